// The form of a new search: take a photograph, fit the collections to the purpose, upload, go to the result.

import { UNREACHABLE, hideProblem, problemFrom, showProblem } from "/static/problem.js";

const BYTES_MAX = 32 * 1024 * 1024;
const find = (selector) => document.querySelector(selector);
const form = find("#search");

if (form) {
  takePhotograph();
  fitCollections();
  find("#submit").disabled = false; // without this script it would send the form and show raw JSON
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  addEventListener("pageshow", (event) => event.persisted && stopped()); // back from the result
}

// --- the photograph ---------------------------------------------------------------------------------------

function takePhotograph() {
  const drop = find("#drop");
  const carriesFile = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  find("#photo").addEventListener("change", showPhotograph);
  // Anywhere on the page: a photograph dropped beside the frame must not replace the page.
  addEventListener("dragover", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    drop.classList.add("over");
  });
  addEventListener("dragleave", (event) => event.relatedTarget || drop.classList.remove("over"));
  addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    drop.classList.remove("over");
    putPhotograph(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file) putPhotograph(file);
  });
  for (const example of document.querySelectorAll(".example")) {
    example.addEventListener("click", () => putExample(example));
  }
  showPhotograph();
}

function putPhotograph(file) {
  const carrier = new DataTransfer();
  carrier.items.add(file);
  find("#photo").files = carrier.files;
  showPhotograph();
}

async function putExample(example) {
  try {
    const answer = await fetch(example.dataset.address);
    const blob = await answer.blob();
    putPhotograph(new File([blob], example.dataset.file, { type: blob.type }));
    find(".photo").scrollIntoView({ block: "start" });
    find("#photo").focus({ preventScroll: true });
  } catch {
    showProblem(find("#problem"), UNREACHABLE);
  }
}

function showPhotograph() {
  const [file] = find("#photo").files;
  const image = find("#preview-image");
  find("#drop").classList.toggle("filled", Boolean(file));
  find("#drop-label").hidden = Boolean(file);
  find("#preview").hidden = !file;
  URL.revokeObjectURL(image.src);
  image.removeAttribute("src");
  if (!file) return;
  hideProblem(find("#problem"));
  find("#preview-name").textContent = `${file.name}, ${size(file.size)}`;
  image.hidden = false;
  find("#preview-none").hidden = true;
  image.onerror = () => {
    image.hidden = true;
    find("#preview-none").hidden = false;
  };
  image.src = URL.createObjectURL(file);
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

// --- purpose and collections ------------------------------------------------------------------------------

function fitCollections() {
  for (const box of form.querySelectorAll("[name=collection]")) {
    box.addEventListener("change", () => box.toggleAttribute("data-unticked", !box.checked));
  }
  for (const purpose of form.querySelectorAll("[name=purpose]")) purpose.addEventListener("change", fit);
  fit();
}

function fit() {
  const purpose = form.querySelector("[name=purpose]:checked");
  const titles = new Map([...form.querySelectorAll("[name=purpose]")].map((one) => [one.value, one.dataset.title]));
  find("#case-field").hidden = !purpose || !("needsCase" in purpose.dataset);
  for (const box of form.querySelectorAll("[name=collection][data-purposes]")) {
    const permitted = box.dataset.purposes.split(" ");
    const allowed = !purpose || permitted.includes(purpose.value);
    const card = box.closest(".card");
    box.disabled = !allowed;
    box.checked = allowed && !box.hasAttribute("data-unticked");
    card.classList.toggle("off", !allowed);
    card.querySelector(".why").hidden = allowed;
    card.querySelector(".why").textContent = allowed
      ? ""
      : `Its permission does not allow this purpose. It allows: ${permitted.map((one) => titles.get(one) ?? one).join(", ")}.`;
  }
}

// --- the search -------------------------------------------------------------------------------------------

function search() {
  const missing = firstMissing();
  if (missing) {
    missing.place?.focus({ preventScroll: true });
    showProblem(find("#problem"), missing);
    return;
  }
  hideProblem(find("#problem"));
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.responseType = "json";
  request.upload.onprogress = (event) => working("Sending the photograph", event.loaded / event.total);
  request.upload.onload = () => working("Finding the faces and comparing");
  request.onload = () => {
    if (request.status === 201) location.assign(`/searches/${request.response.id}`);
    else stopped(problemFrom(request.response));
  };
  request.onerror = () => stopped(UNREACHABLE);
  request.onabort = () => stopped();
  find("#stop").onclick = () => request.abort();
  working("Sending the photograph", 0);
  request.send(answers());
}

function firstMissing() {
  const [file] = find("#photo").files;
  const purpose = form.querySelector("[name=purpose]:checked");
  const caseField = find("#case");
  if (!file) return { detail: "Choose a photograph.", place: find("#photo") };
  if (file.size > BYTES_MAX) {
    const remedy = "Scale it down or cut out the part with the face: 32 MB are the most.";
    return { detail: "The photograph is too large.", remedy, place: find("#photo") };
  }
  if (!purpose) {
    return { detail: "Say what the search is for.", remedy: "Choose a purpose.", place: form.querySelector("[name=purpose]:enabled") };
  }
  if (!find("#case-field").hidden && !caseField.value.trim()) {
    return { detail: "Give the case reference.", remedy: "This purpose needs one.", place: caseField };
  }
  if (!form.querySelector("[name=collection]:checked")) {
    const place = form.querySelector("[name=collection]:enabled");
    const remedy = place ? "" : "No collection here allows this purpose. Choose another purpose, or ask for a permission.";
    return { detail: "Choose at least one collection.", remedy, place };
  }
  return null;
}

function answers() {
  const data = new FormData(form);
  if (find("#case-field").hidden) data.delete("case");
  return data;
}

function working(words, share) {
  const bar = find("#progress-bar");
  const text = find("#progress-text");
  find("#progress").hidden = false;
  find("#submit").disabled = true;
  if (share === undefined) bar.removeAttribute("value");
  else bar.value = share;
  if (text.textContent !== words) text.textContent = words; // said once by screen readers
}

function stopped(problem) {
  find("#progress").hidden = true;
  find("#progress-text").textContent = "";
  find("#submit").disabled = false;
  find("#submit").focus({ preventScroll: true });
  if (problem) showProblem(find("#problem"), problem);
}
