// Two faces under one view: zoom and move together, flip either, lay one over the other.
//
// Each face comes with the similarity z -> az + b that laid it on the comparison's 112 px crop. A picture is
// drawn by that, then by its flip, then by the view, so that both faces always lie alike.

const CROP = 112; // px, the side of that crop
const CENTRE = [56, 60]; // px in it: between the eyes and the mouth
const FILL = 0.62; // of the pane's smaller side, taken by the crop at zoom 0
const STEP = 0.25; // of the zoom, whose unit is a doubling
const MOVE = 24; // px

const compare = document.querySelector("#compare");
const panes = document.querySelector("#panes");
const zoom = document.querySelector("#zoom");
const blend = document.querySelector("#blend");
const faces = [...panes.querySelectorAll(".pane")].map((pane) => {
  const image = pane.querySelector("img");
  return { pane, image, alignment: image.dataset.alignment.split(" ").map(Number), flipped: false };
});
const view = { x: 0, y: 0, zoom: 0 };

for (const { image } of faces) image.decode().then(draw, () => {});
new ResizeObserver(draw).observe(panes);

function draw() {
  const { clientWidth, clientHeight } = faces[0].pane;
  const scale = (FILL * Math.min(clientWidth, clientHeight) * 2 ** view.zoom) / CROP;
  for (const { pane, image, alignment, flipped } of faces) {
    if (!image.naturalWidth) continue;
    const [re, im, dx, dy] = alignment;
    const mirror = flipped ? -1 : 1;
    const pixel = image.dataset.width / image.naturalWidth; // the picture may be a smaller copy
    const left = clientWidth / 2 + view.x + scale * mirror * (dx - CENTRE[0]);
    const top = clientHeight / 2 + view.y + scale * (dy - CENTRE[1]);
    const s = scale * pixel;
    image.style.transform = `matrix(${mirror * s * re}, ${s * im}, ${-mirror * s * im}, ${s * re}, ${left}, ${top})`;
    image.classList.add("placed");
    pane.classList.toggle("is-flipped", flipped);
  }
  const overlaid = compare.dataset.view === "overlay";
  faces[1].pane.style.opacity = overlaid ? blend.value : "";
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

function overlay(on = compare.dataset.view !== "overlay") {
  compare.dataset.view = on ? "overlay" : "side";
  document.querySelector("#overlay").setAttribute("aria-pressed", on);
  document.querySelector("#blend-tool").hidden = !on;
  draw();
}

function reset() {
  Object.assign(view, { x: 0, y: 0, zoom: 0 });
  zoom.value = 0;
  blend.value = 0.5;
  for (const { pane, flipped } of faces) if (flipped) flip(pane.dataset.side);
  overlay(false);
}

// --- buttons, keys, wheel, fingers ------------------------------------------------------------------------

zoom.addEventListener("input", () => zoomTo(zoom.value));
blend.addEventListener("input", draw);
document.querySelector("#zoom-in").addEventListener("click", () => zoomTo(view.zoom + STEP));
document.querySelector("#zoom-out").addEventListener("click", () => zoomTo(view.zoom - STEP));
document.querySelector("#overlay").addEventListener("click", () => overlay());
document.querySelector("#reset").addEventListener("click", reset);
for (const button of document.querySelectorAll("[data-flip]")) {
  button.addEventListener("click", () => flip(button.dataset.flip));
}

const keys = {
  "+": () => zoomTo(view.zoom + STEP),
  "=": () => zoomTo(view.zoom + STEP),
  "-": () => zoomTo(view.zoom - STEP),
  ArrowLeft: () => move(-MOVE, 0),
  ArrowRight: () => move(MOVE, 0),
  ArrowUp: () => move(0, -MOVE),
  ArrowDown: () => move(0, MOVE),
  f: () => flip("probe"),
  g: () => flip("candidate"),
  o: () => overlay(),
  0: reset,
};
panes.addEventListener("keydown", (event) => {
  const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key] ?? keys[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
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
