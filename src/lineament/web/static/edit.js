// Edits of a photograph: a list that only grows at its end, and the server's own picture of what it leads to.

import { UNREACHABLE, hideProblem, problemFrom, showProblem } from "/static/problem.js";

const WAIT = 200; // ms after the last move of a slider, before the server is asked
const CLICK = 4; // px on the screen: a drag over less draws nothing
const PLAIN = { rotate: 0, brightness: 1, contrast: 1 }; // what changes nothing
const find = (selector) => document.querySelector(selector);
const page = find("#edit");
const canvas = find("#canvas");
const picture = find("#preview");
const cut = find("#cut");
const cutForm = find("#cut-form");
const sizeForm = find("#size-form");
const most = Number(page.dataset.most);
let edits = []; // {kind, values}, in order
let shown = []; // those that the picture shows
let size = ["width", "height"].map((side) => Number(picture.getAttribute(side)));
let asked = 0; // the number of the newest picture that was asked for
let timer;

for (const one of document.querySelectorAll(".without-script")) one.hidden = true;
find("#tools").hidden = false;
measure();

// --- the tools --------------------------------------------------------------------------------------------

for (const button of document.querySelectorAll("[data-turn]")) {
  button.addEventListener("click", () => turn(Number(button.dataset.turn)));
}
for (const button of document.querySelectorAll("[data-field]")) {
  button.addEventListener("click", () => put("deinterlace", [Number(button.dataset.field)], last("deinterlace")));
}
for (const input of document.querySelectorAll("[data-kind]")) input.addEventListener("input", slide);
find("#flip").addEventListener("click", () => (last("flip") ? undo() : put("flip", [])));
find("#undo").addEventListener("click", undo);
find("#search").addEventListener("click", search);

function last(kind) {
  return edits.at(-1)?.kind === kind;
}

// Add an edit, or let it take the place of the last one.
function put(kind, values, instead = false, wait = 0) {
  const before = instead ? edits.slice(0, -1) : edits;
  if (before.length === most) return showProblem(find("#problem"), { detail: `A photograph is edited by at most ${most} edits.` });
  edits = [...before, { kind, values }];
  changed(wait);
}

function undo() {
  edits = edits.slice(0, -1);
  changed();
}

function turn(degrees) {
  const before = quarters();
  const together = (degrees + before + 720) % 360;
  if (together === 0) return undo();
  put("rotate", [together > 180 ? together - 360 : together], before !== 0);
}

// Return by how many degrees the last edit turns, where it turns by quarters, else 0.
function quarters() {
  return last("rotate") && edits.at(-1).values[0] % 90 === 0 ? edits.at(-1).values[0] : 0;
}

// A slider, or the number beside it: as long as nothing else was done since, it changes the last edit.
function slide(event) {
  const { kind } = event.target.dataset;
  if (!event.target.validity.valid || event.target.value === "") return;
  const value = Math.round(Number(event.target.value) * 100) / 100;
  const instead = last(kind) && !quarters();
  if (value !== PLAIN[kind]) return put(kind, [value], instead, WAIT);
  if (instead) undo();
}

// --- cutting out ------------------------------------------------------------------------------------------

let corner = null; // where the drag began, px of the photograph

cut.addEventListener("toggle", () => {
  canvas.classList.toggle("cutting", cut.open);
  drawCut();
});
cutForm.addEventListener("input", drawCut);
cutForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const [left, top, wide, high] = part();
  put("crop", [left, top, left + wide, top + high]);
  cut.open = false;
});
canvas.addEventListener("pointerdown", (event) => {
  if (!cut.open || !event.isPrimary || event.button !== 0) return;
  corner = at(event);
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointermove", (event) => {
  if (!corner || !event.isPrimary) return;
  const [x, y] = at(event);
  const scale = picture.clientWidth / size[0];
  if (Math.min(Math.abs(x - corner[0]), Math.abs(y - corner[1])) * scale < CLICK) return;
  const [left, top] = [Math.min(x, corner[0]), Math.min(y, corner[1])];
  Object.entries({ left, top, width: Math.abs(x - corner[0]), height: Math.abs(y - corner[1]) })
    .forEach(([name, value]) => (cutForm.elements[name].value = value));
  drawCut();
});
for (const type of ["pointerup", "pointercancel"]) canvas.addEventListener(type, () => (corner = null));

function at(event) {
  const frame = picture.getBoundingClientRect();
  const inside = (share, side) => Math.round(Math.min(Math.max(share, 0), 1) * side);
  return [
    inside((event.clientX - frame.left) / frame.width, size[0]),
    inside((event.clientY - frame.top) / frame.height, size[1]),
  ];
}

function part() {
  return ["left", "top", "width", "height"].map((name) => cutForm.elements[name].valueAsNumber);
}

function drawCut() {
  const [left, top, wide, high] = part();
  cutForm.elements.width.setCustomValidity(left + wide > size[0] ? "The part ends outside the photograph." : "");
  cutForm.elements.height.setCustomValidity(top + high > size[1] ? "The part ends outside the photograph." : "");
  const box = find("#cut-box");
  box.hidden = !cut.open || [left, top, wide, high].some(Number.isNaN);
  const percent = (length, whole) => `${(100 * length) / whole}%`;
  Object.assign(box.style, {
    left: percent(left, size[0]),
    top: percent(top, size[1]),
    width: percent(wide, size[0]),
    height: percent(high, size[1]),
  });
}

// --- the size ---------------------------------------------------------------------------------------------

sizeForm.addEventListener("input", ({ target }) => {
  if (!sizeForm.elements.keep.checked || target.value === "") return;
  const [wide, high] = size;
  const other = { width: ["height", high / wide], height: ["width", wide / high] }[target.name];
  if (other) sizeForm.elements[other[0]].value = Math.max(1, Math.round(target.valueAsNumber * other[1]));
});
sizeForm.addEventListener("submit", (event) => {
  event.preventDefault();
  put("resize", [sizeForm.elements.width.valueAsNumber, sizeForm.elements.height.valueAsNumber], last("resize"));
});

// --- the list and the picture -----------------------------------------------------------------------------

function changed(wait = 0) {
  hideProblem(find("#problem"));
  list();
  find("#search").disabled = true; // until the picture shows what would be searched
  canvas.setAttribute("aria-busy", "true");
  clearTimeout(timer);
  timer = setTimeout(look, wait);
}

function list() {
  find("#chain").replaceChildren(...edits.map((edit) => {
    const item = document.createElement("li");
    item.textContent = inWords(edit);
    return item;
  }));
  find("#none").hidden = edits.length > 0;
  find("#undo").disabled = !edits.length;
  for (const input of document.querySelectorAll("[data-kind]")) {
    if (input === document.activeElement) continue;
    const { kind } = input.dataset;
    input.value = last(kind) && !quarters() ? edits.at(-1).values[0] : PLAIN[kind];
  }
}

function inWords({ kind, values }) {
  const [a, b, c, d] = values;
  const number = (value) => value.toLocaleString("en");
  const words = {
    crop: () => `Cut out: ${number(c - a)} x ${number(d - b)} px, ${number(a)} px from the left and ${number(b)} px from the top`,
    rotate: () => `Turned by ${Math.abs(a)}° ${a < 0 ? "clockwise" : "counter-clockwise"}`,
    flip: () => "Flipped, left to right",
    brightness: () => `Brightness ${a}`,
    contrast: () => `Contrast ${a}`,
    deinterlace: () => `Deinterlaced: the ${a ? "second" : "first"} field kept`,
    resize: () => `Resized to ${number(a)} x ${number(b)} px`,
  };
  return words[kind]();
}

async function look() {
  const mine = ++asked;
  const wanted = edits;
  const answer = await send(page.dataset.preview, { edits: wanted });
  if (mine !== asked) return; // something newer was asked for
  if (answer.problem) {
    edits = shown;
    list();
    showProblem(find("#problem"), answer.problem);
  } else {
    const blob = await answer.blob();
    if (mine !== asked) return;
    URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(blob);
    shown = wanted;
    size = answer.headers.get("X-Photograph-Size").split("x").map(Number);
    measure();
  }
  canvas.removeAttribute("aria-busy");
  find("#search").disabled = !edits.length;
}

// Take the size of what is shown: its picture may be a smaller copy.
function measure() {
  const [wide, high] = size;
  picture.width = wide;
  picture.height = high;
  const what = shown.length ? "as it would be searched" : "as it was searched";
  find("#state").textContent = `${wide.toLocaleString("en")} x ${high.toLocaleString("en")} px, ${what}`;
  cutForm.reset();
  Object.assign(cutForm.elements.left, { max: wide - 1 });
  Object.assign(cutForm.elements.top, { max: high - 1 });
  Object.assign(cutForm.elements.width, { max: wide });
  Object.assign(cutForm.elements.height, { max: high });
  drawCut();
  sizeForm.elements.width.value = wide;
  sizeForm.elements.height.value = high;
}

async function search() {
  hideProblem(find("#problem"));
  find("#search").disabled = true;
  find("#working").textContent = "Searching";
  const answer = await send(page.dataset.search, { probe: Number(page.dataset.probe), edits });
  if (!answer.problem) return location.assign(`/searches/${(await answer.json()).id}`);
  find("#working").textContent = "";
  find("#search").disabled = false;
  showProblem(find("#problem"), answer.problem);
}

async function send(address, body) {
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return answer.ok ? answer : { problem: problemFrom(await answer.json()) };
  } catch {
    return { problem: UNREACHABLE };
  }
}
