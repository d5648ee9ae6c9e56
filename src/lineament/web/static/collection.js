// While an ingest runs: fetch the page again, and put in place what has changed.

const EVERY = 3000; // ms

async function bringUpToDate() {
  const fresh = await currentPage();
  if (fresh && !fresh.querySelector('script[src="/static/collection.js"]')) return location.reload(); // all have ended
  for (const part of fresh?.querySelectorAll("[data-live]") ?? []) {
    const shown = document.getElementById(part.id);
    if (!shown) return location.reload(); // another ingest has begun
    if (shown.innerHTML !== part.innerHTML) shown.replaceChildren(...part.childNodes);
  }
  setTimeout(bringUpToDate, EVERY);
}

async function currentPage() {
  try {
    const answer = await fetch(location.href);
    return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  } catch {
    return null; // the server is being started again, perhaps
  }
}

setTimeout(bringUpToDate, EVERY);
