// Several faces: show each on the photograph, let the person pick one, and search with that one.

import { UNREACHABLE, hideProblem, problemFrom, showProblem } from "/static/problem.js";

const TINY = 22; // px: below this a number would cover the face
const find = (selector) => document.querySelector(selector);
const choose = find("#choose");
const photograph = choose.querySelector(".group-photo img");
const onPhotograph = [...choose.querySelectorAll(".face")];
const buttons = [...choose.querySelectorAll("[data-face]")];
let chosen = null;

place();
markTiny();
addEventListener("resize", markTiny);
for (const button of buttons) {
  button.addEventListener("click", () => pick(button.dataset.face));
  for (const type of ["mouseenter", "focus"]) button.addEventListener(type, () => light(button.dataset.face, true));
  for (const type of ["mouseleave", "blur"]) button.addEventListener(type, () => light(button.dataset.face, false));
}
choose.querySelector(".group-photo").addEventListener("keydown", step);
find("#confirm").addEventListener("click", confirm);

function place() {
  const [width, height] = [Number(photograph.getAttribute("width")), Number(photograph.getAttribute("height"))];
  const percent = (part, whole) => `${(100 * part) / whole}%`;
  for (const face of onPhotograph) {
    const [x1, y1, x2, y2] = face.dataset.box.split(" ").map(Number);
    Object.assign(face.style, {
      left: percent(x1, width),
      top: percent(y1, height),
      width: percent(x2 - x1, width),
      height: percent(y2 - y1, height),
    });
  }
}

function markTiny() {
  for (const face of onPhotograph) face.classList.toggle("tiny", face.offsetWidth < TINY);
}

function light(number, on) {
  for (const button of buttons) if (button.dataset.face === number) button.classList.toggle("on", on);
}

function step(event) {
  const moves = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };
  if (!(event.key in moves)) return;
  const open = onPhotograph.filter((face) => !face.disabled);
  const next = open.indexOf(document.activeElement) + moves[event.key];
  open[Math.min(Math.max(next, 0), open.length - 1)].focus();
  event.preventDefault();
}

function pick(number) {
  chosen = number;
  for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.face === number);
  const thumbnail = choose.querySelector(`.face-list [data-face="${number}"] svg`).cloneNode(true);
  find("#chosen-picture").replaceChildren(thumbnail);
  find("#chosen-name").textContent = `Face ${number}`;
  find("#confirm").disabled = false;
  find("#confirm").focus({ preventScroll: true });
}

async function confirm() {
  hideProblem(find("#problem"));
  find("#confirm").disabled = true;
  find("#working").textContent = `Comparing face ${chosen}`;
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
      body: JSON.stringify({ face: Number(chosen) }),
    });
    return answer.ok ? null : problemFrom(await answer.json());
  } catch {
    return UNREACHABLE;
  }
}
