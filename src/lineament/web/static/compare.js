// Two faces under one view: zoom and move together, flip either, lay one over the other or let them take turns.
//
// Each face comes with the similarity z -> az + b that laid it on the comparison's 112 px crop. A picture is
// drawn by that, then by its flip, then by the view, so that both faces always lie alike.

const CROP = 112; // px, the side of that crop
const CENTRE = [56, 60]; // px in it: between the eyes and the mouth
const FILL = 0.62; // of the pane's smaller side, taken by the crop at zoom 0
const STEP = 0.25; // of the zoom, whose unit is a doubling
const MOVE = 24; // px
const LINES = { left: 56, top: 51.6, across: 17.6, down: 20.35 }; // px in it: through the eyes, between them, the mouth
const TURN = 1000; // ms that each face is shown when they take turns
const SOONEST = 350; // ms between two turns, also by hand: fewer than three in a second

const compare = document.querySelector("#compare");
const panes = document.querySelector("#panes");
const zoom = document.querySelector("#zoom");
const blend = document.querySelector("#blend");
const lights = [...document.querySelectorAll("[data-light]")];
const lightSide = document.querySelector("#light-side");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const faces = [...panes.querySelectorAll(".pane")].map((pane) => {
  const image = pane.querySelector("img");
  const alignment = image.dataset.alignment.split(" ").map(Number);
  return { pane, image, alignment, flipped: false, light: { brightness: 1, contrast: 1 } };
});
const view = { x: 0, y: 0, zoom: 0 };

for (const { image } of faces) image.decode().then(draw, () => {});
new ResizeObserver(draw).observe(panes);

function draw() {
  const { clientWidth, clientHeight } = faces[0].pane;
  const scale = (FILL * Math.min(clientWidth, clientHeight) * 2 ** view.zoom) / CROP;
  for (const { pane, image, alignment, flipped, light } of faces) {
    drawLines(pane.querySelector(".grid").style, clientWidth / 2 + view.x, clientHeight / 2 + view.y, scale);
    image.style.filter = `brightness(${light.brightness}) contrast(${light.contrast})`;
    const lit = light.brightness !== 1 || light.contrast !== 1;
    pane.querySelector(".state").textContent = `${flipped ? ", flipped" : ""}${lit ? ", light changed" : ""}`;
    if (!image.naturalWidth) continue;
    const [re, im, dx, dy] = alignment;
    const mirror = flipped ? -1 : 1;
    const pixel = image.dataset.width / image.naturalWidth; // the picture may be a smaller copy
    const left = clientWidth / 2 + view.x + scale * mirror * (dx - CENTRE[0]);
    const top = clientHeight / 2 + view.y + scale * (dy - CENTRE[1]);
    const s = scale * pixel;
    image.style.transform = `matrix(${mirror * s * re}, ${s * im}, ${-mirror * s * im}, ${s * re}, ${left}, ${top})`;
    image.classList.add("placed");
  }
  faces[1].pane.style.opacity = compare.dataset.view === "overlay" ? blend.value : "";
}

// The same lines over both: they run through the eyes, halfway between them, and the mouth.
function drawLines(style, x, y, scale) {
  const top = y + scale * (LINES.top - CENTRE[1]);
  style.backgroundPosition = `${x + scale * (LINES.left - CENTRE[0])}px ${top}px`;
  style.backgroundSize = `${scale * LINES.across}px ${scale * LINES.down}px`;
}

function move(x, y) {
  view.x += x;
  view.y += y;
  draw();
}

// Zoom to so many doublings, keeping what is under (x, y), px from the pane's centre, where it is.
function zoomTo(doublings, x = 0, y = 0) {
  const wanted = Math.min(Math.max(doublings, zoom.min), zoom.max);
  const factor = 2 ** (wanted - view.zoom);
  view.zoom = wanted;
  zoom.value = wanted;
  view.x = x + (view.x - x) * factor;
  view.y = y + (view.y - y) * factor;
  draw();
}

function flip(side) {
  const face = faces.find(({ pane }) => pane.dataset.side === side);
  face.flipped = !face.flipped;
  document.querySelector(`[data-flip=${side}]`).setAttribute("aria-pressed", face.flipped);
  draw();
}

// --- side by side, one over the other, taking turns -------------------------------------------------------

let turn; // the timer of the next turn
let turned = 0; // ms, when the last turn was

function show(wanted) {
  const now = compare.dataset.view === wanted ? "side" : wanted;
  compare.dataset.view = now;
  for (const button of document.querySelectorAll("button[data-view]")) {
    button.setAttribute("aria-pressed", button.dataset.view === now);
  }
  document.querySelector("#blend-tool").hidden = now !== "overlay";
  document.querySelector("#blink-tool").hidden = now !== "blink";
  document.querySelector("#by-hand").hidden = !calm.matches;
  bringForward(0);
  waitForTurn();
  draw();
}

function waitForTurn() {
  clearTimeout(turn);
  if (compare.dataset.view !== "blink" || calm.matches) return;
  turn = setTimeout(() => {
    bringForward(1 - front());
    waitForTurn();
  }, TURN);
}

function front() {
  return faces.findIndex(({ pane }) => pane.classList.contains("is-front"));
}

function bringForward(which) {
  turned = performance.now();
  faces.forEach(({ pane }, at) => pane.classList.toggle("is-front", at === which));
}

function swap() {
  if (compare.dataset.view !== "blink") return show("blink");
  if (performance.now() - turned < SOONEST) return;
  bringForward(1 - front());
  document.querySelector("#said").textContent = faces[front()].image.alt;
  waitForTurn();
}

// --- lines and light --------------------------------------------------------------------------------------

function lines(on = !compare.classList.contains("has-grid")) {
  compare.classList.toggle("has-grid", on);
  document.querySelector("#grid").setAttribute("aria-pressed", on);
}

function lit() {
  return faces.filter(({ pane }) => !lightSide.value || pane.dataset.side === lightSide.value);
}

function changeLight() {
  for (const input of lights) for (const face of lit()) face.light[input.dataset.light] = Number(input.value);
  draw();
}

function showLight() {
  for (const input of lights) input.value = lit()[0].light[input.dataset.light];
}

function reset() {
  Object.assign(view, { x: 0, y: 0, zoom: 0 });
  zoom.value = 0;
  blend.value = 0.5;
  for (const face of faces) {
    Object.assign(face.light, { brightness: 1, contrast: 1 });
    if (face.flipped) flip(face.pane.dataset.side);
  }
  showLight();
  lines(false);
  show("side");
}

// --- buttons, keys, wheel, fingers ------------------------------------------------------------------------

zoom.addEventListener("input", () => zoomTo(zoom.value));
blend.addEventListener("input", draw);
document.querySelector("#zoom-in").addEventListener("click", () => zoomTo(view.zoom + STEP));
document.querySelector("#zoom-out").addEventListener("click", () => zoomTo(view.zoom - STEP));
document.querySelector("#swap").addEventListener("click", swap);
document.querySelector("#grid").addEventListener("click", () => lines());
document.querySelector("#light").addEventListener("click", ({ currentTarget }) => {
  const tool = document.querySelector("#light-tool");
  tool.hidden = !tool.hidden;
  currentTarget.setAttribute("aria-expanded", !tool.hidden);
});
lightSide.addEventListener("change", showLight);
for (const input of lights) input.addEventListener("input", changeLight);
document.querySelector("#reset").addEventListener("click", reset);
for (const button of document.querySelectorAll("[data-flip]")) {
  button.addEventListener("click", () => flip(button.dataset.flip));
}
for (const button of document.querySelectorAll("button[data-view]")) {
  button.addEventListener("click", () => show(button.dataset.view));
}

const moves = { // these go on while the key is held
  "+": () => zoomTo(view.zoom + STEP),
  "=": () => zoomTo(view.zoom + STEP),
  "-": () => zoomTo(view.zoom - STEP),
  ArrowLeft: () => move(-MOVE, 0),
  ArrowRight: () => move(MOVE, 0),
  ArrowUp: () => move(0, -MOVE),
  ArrowDown: () => move(0, MOVE),
};
const switches = {
  f: () => flip("probe"),
  g: () => flip("candidate"),
  o: () => show("overlay"),
  b: () => show("blink"),
  " ": swap,
  l: () => lines(),
  0: reset,
};
panes.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const once = switches[event.key.toLowerCase()];
  const act = moves[event.key] ?? once;
  if (!act) return;
  event.preventDefault();
  if (!event.repeat || !once) act();
});

function fromCentre(event) {
  const frame = event.target.closest(".pane")?.getBoundingClientRect() ?? panes.getBoundingClientRect();
  return [event.clientX - frame.left - frame.width / 2, event.clientY - frame.top - frame.height / 2];
}

panes.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoomTo(view.zoom - event.deltaY / 400, ...fromCentre(event));
}, { passive: false });

const fingers = new Map(); // pointer id -> its last event
panes.addEventListener("pointerdown", (event) => {
  fingers.set(event.pointerId, event);
  panes.setPointerCapture(event.pointerId);
});
for (const type of ["pointerup", "pointercancel"]) {
  panes.addEventListener(type, (event) => fingers.delete(event.pointerId));
}
panes.addEventListener("pointermove", (event) => {
  const last = fingers.get(event.pointerId);
  if (!last) return;
  const other = [...fingers.values()].find((one) => one.pointerId !== event.pointerId);
  const share = other ? 0.5 : 1; // of two fingers, each moves the middle by half
  if (other) {
    const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    zoomTo(view.zoom + Math.log2(Math.max(1, apart(event)) / Math.max(1, apart(last))));
  }
  fingers.set(event.pointerId, event);
  move(share * (event.clientX - last.clientX), share * (event.clientY - last.clientY));
});
