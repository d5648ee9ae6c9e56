// The form of a new search: take photographs, fit the collections to the purpose, upload, go to the result.

import { UNREACHABLE, hideProblem, problemFrom, showProblem } from "/static/problem.js";

const find = (selector) => document.querySelector(selector);
const form = find("#search");

if (form) {
  takePhotographs();
  fitCollections();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  addEventListener("pageshow", (event) => event.persisted && stopped()); // back from the result
}

// --- the photographs --------------------------------------------------------------------------------------

let before = null; // what had been chosen when another one was asked for

function takePhotographs() {
  const drop = find("#drop");
  const carriesFile = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  find("#photo").addEventListener("change", () => putPhotographs([...(before ?? []), ...find("#photo").files]));
  find("#photo").addEventListener("cancel", () => (before = null));
  find("#add").addEventListener("click", () => {
    before = [...find("#photo").files];
    find("#photo").click();
  });
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
    putPhotographs([...event.dataTransfer.files]);
  });
  addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) putPhotographs([...event.clipboardData.files]);
  });
  for (const example of document.querySelectorAll(".example")) {
    example.addEventListener("click", () => putExample(example));
  }
  showPhotographs();
}

function putPhotographs(files) {
  const carrier = new DataTransfer();
  for (const file of files) carrier.items.add(file);
  find("#photo").files = carrier.files;
  before = null;
  showPhotographs();
}

async function putExample(example) {
  try {
    const answer = await fetch(example.dataset.address);
    const blob = await answer.blob();
    putPhotographs([new File([blob], example.dataset.file, { type: blob.type })]);
    find(".photo").scrollIntoView({ block: "start" });
    find("#photo").focus({ preventScroll: true });
  } catch {
    showProblem(find("#problem"), UNREACHABLE);
  }
}

function showPhotographs() {
  const files = [...find("#photo").files];
  find("#drop").classList.toggle("filled", files.length > 0);
  find("#drop").classList.toggle("several", files.length > 1);
  find("#drop-label").hidden = files.length > 0;
  find("#preview").hidden = !files.length;
  find("#preview-same").hidden = files.length < 2;
  for (const image of document.querySelectorAll("#previews img")) URL.revokeObjectURL(image.src);
  find("#previews").replaceChildren(...files.map(preview));
  if (!files.length) return;
  hideProblem(find("#problem"));
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  const name = files.length > 1 ? `${files.length} photographs` : files[0].name;
  find("#preview-name").textContent = `${name}, ${size(bytes)}`;
}

function preview(file, at, files) {
  const item = find("#one-preview").content.cloneNode(true).firstElementChild;
  const [image, none, remove] = item.children;
  image.alt = file.name;
  image.onerror = () => {
    image.hidden = true;
    none.hidden = false;
  };
  image.src = URL.createObjectURL(file);
  remove.setAttribute("aria-label", `Remove ${file.name}`);
  remove.addEventListener("click", () => {
    putPhotographs(files.filter((_, other) => other !== at));
    find("#photo").focus({ preventScroll: true });
  });
  return item;
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
  find("#case").addEventListener("change", fitCase);
  fit();
}

function fit() {
  const purpose = form.querySelector("[name=purpose]:checked");
  const titles = new Map([...form.querySelectorAll("[name=purpose]")].map((one) => [one.value, one.dataset.title]));
  fitCase();
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

function fitCase() {
  const purpose = form.querySelector("[name=purpose]:checked");
  const needed = purpose && "needsCase" in purpose.dataset;
  const choice = find("#case");
  for (const option of choice.querySelectorAll("[data-purpose]")) {
    const other = !purpose || option.dataset.purpose !== purpose.value;
    option.hidden = option.disabled = other;
    if (other && option.selected) choice.value = "";
  }
  choice.options[0].textContent = needed ? "Choose a case" : "No case";
  find("#case-field").hidden = !purpose;
  find("#obtained-field").hidden = !purpose || !choice.value;
  find("#open-case").href = purpose ? `/cases?purpose=${encodeURIComponent(purpose.value)}#new` : "/cases#new";
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
  request.open("POST", "/api/v1/searches");
  request.responseType = "json";
  const sending = find("#photo").files.length > 1 ? "Sending the photographs" : "Sending the photograph";
  request.upload.onprogress = (event) => working(sending, event.loaded / event.total);
  request.upload.onload = () => working("Finding the faces and comparing");
  request.onload = () => {
    if (request.status === 201) location.assign(`/searches/${request.response.id}`);
    else stopped(problemFrom(request.response));
  };
  request.onerror = () => stopped(UNREACHABLE);
  request.onabort = () => stopped();
  find("#stop").onclick = () => request.abort();
  working(sending, 0);
  request.send(answers());
}

function firstMissing() {
  const photo = find("#photo");
  const files = [...photo.files];
  const { most, eachMb, togetherMb } = photo.dataset;
  const purpose = form.querySelector("[name=purpose]:checked");
  const [caseChoice, obtained] = [find("#case"), find("#obtained")];
  if (!files.length) return { detail: "Choose a photograph.", place: photo };
  if (files.length > most) {
    return { detail: `These are ${files.length} photographs.`, remedy: `Choose at most ${most}.`, place: photo };
  }
  if (files.some((file) => file.size > eachMb * 1024 * 1024)) {
    const remedy = `Scale it down or cut out the part with the face: ${eachMb} MB are the most.`;
    const detail = files.length > 1 ? "One of the photographs is too large." : "The photograph is too large.";
    return { detail, remedy, place: photo };
  }
  if (files.reduce((sum, file) => sum + file.size, 0) > togetherMb * 1024 * 1024) {
    const remedy = `Together they may have ${togetherMb} MB: choose fewer, or scale them down.`;
    return { detail: "The photographs are too large together.", remedy, place: photo };
  }
  if (!purpose) {
    return { detail: "Say what the search is for.", remedy: "Choose a purpose.", place: form.querySelector("[name=purpose]:enabled") };
  }
  if ("needsCase" in purpose.dataset && !caseChoice.value) {
    const remedy = "This purpose needs one. Where there is none yet, open it first.";
    return { detail: "Choose a case.", remedy, place: caseChoice };
  }
  if (caseChoice.value && !obtained.value) {
    return { detail: "Say how the photograph was obtained.", remedy: "It is needed in a case.", place: obtained };
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
  if (!find("#case").value) data.delete("obtained");
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
