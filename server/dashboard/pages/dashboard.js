"use strict";
// Fetches the page again and puts each part that changed in the place of the old one. What comes is parsed, never run:
// the server has escaped it, and the page's policy admits no script but this one.
const SECONDS = 2;
const lost = document.getElementById("lost");

function kept(old, fresh) {
  for (const open of old.querySelectorAll("details[open]")) {
    const again = fresh.querySelector(`#${open.id}`);
    if (again) again.open = true;
  }
  return fresh;
}

function taken(page) {
  for (const old of document.querySelectorAll("[data-part]")) {
    const fresh = page.querySelector(`[data-part="${old.dataset.part}"]`);
    if (!fresh) continue;
    kept(old, fresh);
    if (fresh.outerHTML === old.outerHTML) continue;
    const across = [...old.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    old.replaceWith(document.adoptNode(fresh));
    fresh.querySelectorAll(".scroll").forEach((one, place) => { one.scrollLeft = across[place] || 0; });
  }
  document.title = page.title;
}

async function look() {
  try {
    const answer = await fetch("/", { cache: "no-store" });
    const text = await answer.text();
    taken(new DOMParser().parseFromString(text, "text/html"));
    lost.hidden = true;
  } catch {
    if (lost.hidden) lost.textContent = `No answer since ${new Date().toLocaleTimeString()}: graft-server dashboard does not run any more, or cannot be reached. What is shown is of then.`;
    lost.hidden = false;
  }
  setTimeout(look, 1000 * SECONDS);
}

setTimeout(look, 1000 * SECONDS);
