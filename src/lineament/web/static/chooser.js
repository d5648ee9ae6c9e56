// Which face: show each on the photograph, let the person pick one or draw a box, and search with that.

import { UNREACHABLE, hideProblem, problemFrom, showProblem } from "/static/problem.js";

const TINY = 22; // px on the screen: below this a number would cover the face
const CLICK = 4; // px on the screen: a drag over less draws nothing
const find = (selector) => document.querySelector(selector);
const choose = find("#choose");
const photograph = find("#photograph");
const picture = photograph.querySelector("img");
const [width, height] = ["width", "height"].map((side) => Number(picture.getAttribute(side)));
const onPhotograph = [...choose.querySelectorAll(".face")];
const buttons = [...choose.querySelectorAll("[data-face]")];
const draw = find("#draw");
const edges = find("#edges");
let chosen = null; // what the interface takes: {face} or {box}

for (const face of onPhotograph) {
  const [x1, y1, x2, y2] = face.dataset.box.split(" ").map(Number);
  place(face, x1, y1, x2 - x1, y2 - y1);
}
for (const one of choose.querySelectorAll(".without-script")) one.hidden = true;
for (const one of [find("#chosen"), find("#draw-on-it")]) one.hidden = false;
markTiny();
addEventListener("resize", markTiny);
for (const button of buttons) {
  button.addEventListener("click", pick);
  for (const type of ["mouseenter", "focus"]) button.addEventListener(type, () => light(button.dataset.face, true));
  for (const type of ["mouseleave", "blur"]) button.addEventListener(type, () => light(button.dataset.face, false));
}
photograph.addEventListener("keydown", step);
find("#confirm").addEventListener("click", confirm);

// Put an element over a part of the photograph, given in its pixels.
function place(element, left, top, wide, high) {
  const percent = (part, whole) => `${(100 * part) / whole}%`;
  Object.assign(element.style, {
    left: percent(left, width),
    top: percent(top, height),
    width: percent(wide, width),
    height: percent(high, height),
  });
  element.hidden = false;
}

// --- a face that was found --------------------------------------------------------------------------------

function markTiny() {
  for (const face of onPhotograph) face.classList.toggle("tiny", face.offsetWidth < TINY);
}

function light(number, on) {
  for (const button of buttons) if (button.dataset.face === number) button.classList.toggle("on", on);
}

function step(event) {
  const moves = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };
  const open = onPhotograph.filter((face) => !face.disabled);
  if (!(event.key in moves) || !open.length) return;
  const next = open.indexOf(document.activeElement) + moves[event.key];
  open[Math.min(Math.max(next, 0), open.length - 1)].focus();
  event.preventDefault();
}

function pick(event) {
  event.preventDefault(); // without this script the button sends its form
  const number = event.currentTarget.dataset.face;
  const listed = choose.querySelector(`.face-list [data-face="${number}"]`);
  const advice = [...listed.querySelectorAll(".advice")].map((one) => one.textContent).join("; ");
  find("#drawn").hidden = true;
  take({ face: Number(number) }, `Face ${number}`, advice, listed.querySelector("svg").cloneNode(true));
  find("#confirm").focus({ preventScroll: true });
}

function take(choice, name, advice, thumbnail) {
  chosen = choice;
  for (const button of buttons) button.setAttribute("aria-pressed", Number(button.dataset.face) === choice.face);
  find("#chosen-picture").replaceChildren(thumbnail);
  find("#chosen-name").textContent = name;
  find("#chosen-advice").textContent = advice;
  find("#confirm").disabled = false;
  hideProblem(find("#problem"));
}

// --- a box drawn by hand ----------------------------------------------------------------------------------

let corner = null; // where the drag began, px of the photograph

draw.addEventListener("toggle", () => choose.classList.toggle("drawing", draw.open));
choose.classList.toggle("drawing", draw.open);
edges.addEventListener("input", takeBox);
edges.addEventListener("submit", (event) => {
  event.preventDefault();
  confirm();
});
photograph.addEventListener("pointerdown", (event) => {
  if (!draw.open || !event.isPrimary || event.button !== 0) return;
  corner = at(event);
  photograph.setPointerCapture(event.pointerId);
});
photograph.addEventListener("pointermove", (event) => {
  if (!corner || !event.isPrimary) return;
  const [x, y] = at(event);
  const scale = picture.clientWidth / width;
  if (Math.min(Math.abs(x - corner[0]), Math.abs(y - corner[1])) * scale < CLICK) return;
  const [left, top] = [Math.min(x, corner[0]), Math.min(y, corner[1])];
  Object.entries({ left, top, width: Math.abs(x - corner[0]), height: Math.abs(y - corner[1]) })
    .forEach(([name, value]) => (edges.elements[name].value = value));
  takeBox();
});
for (const type of ["pointerup", "pointercancel"]) photograph.addEventListener(type, () => (corner = null));

function at(event) {
  const frame = picture.getBoundingClientRect();
  const inside = (part, side) => Math.round(Math.min(Math.max(part, 0), 1) * side);
  return [
    inside((event.clientX - frame.left) / frame.width, width),
    inside((event.clientY - frame.top) / frame.height, height),
  ];
}

function takeBox() {
  const [left, top, wide, high] = ["left", "top", "width", "height"].map((name) => edges.elements[name].valueAsNumber);
  edges.elements.width.setCustomValidity(left + wide > width ? "The box ends outside the photograph." : "");
  edges.elements.height.setCustomValidity(top + high > height ? "The box ends outside the photograph." : "");
  if (!edges.checkValidity()) return;
  place(find("#drawn"), left, top, wide, high);
  const box = [left, top, left + wide, top + high];
  take({ box }, "Face drawn by hand", "", thumbnail(left - wide * 0.4, top - high * 0.4, wide * 1.8, high * 1.8));
}

function thumbnail(...view) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const image = document.createElementNS("http://www.w3.org/2000/svg", "image");
  svg.setAttribute("viewBox", view.join(" "));
  svg.setAttribute("preserveAspectRatio", "xMidYMid slice");
  svg.setAttribute("aria-hidden", "true");
  Object.entries({ href: picture.getAttribute("src"), width, height }).forEach(([name, value]) => image.setAttribute(name, value));
  svg.append(image);
  return svg;
}

// --- the search -------------------------------------------------------------------------------------------

async function confirm() {
  if (!chosen) return;
  hideProblem(find("#problem"));
  find("#confirm").disabled = true;
  find("#working").textContent = "Comparing";
  const problem = await send();
  if (!problem) return location.assign(choose.dataset.next);
  find("#working").textContent = "";
  find("#confirm").disabled = false;
  showProblem(find("#problem"), problem);
}

async function send() {
  try {
    const answer = await fetch(choose.dataset.address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ probe: Number(choose.dataset.probe), ...chosen }),
    });
    return answer.ok ? null : problemFrom(await answer.json());
  } catch {
    return UNREACHABLE;
  }
}
