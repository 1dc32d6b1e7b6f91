"use strict";
// Asks this service for health and lists as any caller does. The token stays in the form's field: it goes into the
// header of the request and nowhere else. What comes is put into the page as text.
const HEALTH_SECONDS = 5;
const DEADLINE_MS = "30000";
const TONES = { serving: "good", degraded: "wait", "not-serving": "bad" };
const byId = (id) => document.getElementById(id);

function told(id, text) {
  byId(id).textContent = text;
  byId(id).hidden = !text;
}

async function health() {
  let answer = { status: "no answer", head: "", since: 0, troubles: {} };
  try {
    answer = await (await fetch("/v1/health", { cache: "no-store" })).json();
  } catch { /* it does not run: the badge says so */ }
  byId("status").textContent = answer.status;
  byId("status").className = `badge ${TONES[answer.status] || "bad"}`;
  const since = new Date(1000 * (answer.since || 0)).toISOString().slice(0, 16).replace("T", " ");
  byId("head").textContent = answer.head && `since ${since} UTC the recommender of the newest fit that was taken up, head ${answer.head}`;
  told("troubles", Object.entries(answer.troubles).map(([name, why]) => `${name}: ${why}`).join("; "));
  setTimeout(health, 1000 * HEALTH_SECONDS);
}

function cell(tag, label, text, kind) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (label) made.dataset.label = label;
  made.className = `${kind || ""}${text ? "" : " nothing"}`.trim();
  return made;
}

const number = (value, digits) => value.toFixed(digits).replace("-", "\u2212");
const signed = (value) => (value < 0 ? "" : "+") + number(value, 2);

function parts(label, listed, isNamed) {
  const made = cell("td", label, "", "parts");
  made.classList.toggle("nothing", !listed.length);
  const list = document.createElement("span");
  for (const one of listed) {
    const line = document.createElement("span");
    line.className = "part";
    line.title = one.name;
    line.append(`${one.words || one.name} `);
    if (isNamed && one.words) line.append(cell("span", "", one.name, "mono whole"), " ");
    line.append(cell("span", "", signed(one.adds), "whole"));
    list.append(line);
  }
  made.append(list);
  return made;
}

function row(one) {
  const made = document.createElement("tr");
  made.append(
    cell("th", "", one.title || one.item),
    cell("td", "id", one.item, "mono tight"),
    cell("td", "score", number(one.score, 3), "number"),
    parts("scorers", one.scorers, false),
    parts("because of", one.history, true),
  );
  return made;
}

function shown(answer) {
  const unknown = answer.unknown_items ? `; ${answer.unknown_items} of the session's items are unknown` : "";
  byId("basis").textContent = `${answer.items.length} items by ${answer.basis}, head ${answer.head}${unknown}`;
  byId("items").replaceChildren(...answer.items.map(row));
  byId("answer").hidden = false;
}

async function asked(event) {
  event.preventDefault();
  const body = {
    user: byId("user").value.trim(),
    session: byId("session").value.split(/\s+/).filter(Boolean),
    k: Number(byId("k").value),
    reasons: byId("reasons").checked,
  };
  const headers = {
    Authorization: `Bearer ${byId("token").value.trim()}`,
    "Content-Type": "application/json",
    "Graft-Timeout-Ms": DEADLINE_MS,
  };
  byId("send").disabled = true;
  byId("answer").hidden = true;
  told("refusal", "");
  try {
    const answer = await fetch("/v1/recommend", { method: "POST", headers, body: JSON.stringify(body) });
    const content = await answer.json();
    if (answer.ok) shown(content);
    else told("refusal", `${answer.status}: ${content.detail}`);
  } catch {
    told("refusal", "The service gave no answer.");
  }
  byId("send").disabled = false;
}

function figureRow(figure) {
  const made = document.createElement("tr");
  made.append(
    cell("th", "", figure.measure),
    cell("td", "users", figure.slice),
    cell("td", "figure", number(figure.value, 3), "number"),
    cell("td", "from", number(figure.low, 3), "number"),
    cell("td", "to", number(figure.high, 3), "number"),
    cell("td", "of", String(figure.of), "number"),
  );
  return made;
}

async function satisfaction() {
  byId("satisfaction").hidden = true;
  told("unsatisfied", "");
  try {
    const headers = { Authorization: `Bearer ${byId("token").value.trim()}` };
    const answer = await fetch("/v1/satisfaction", { headers, cache: "no-store" });
    const content = await answer.json();
    if (!answer.ok) told("unsatisfied", `${answer.status}: ${content.detail}`);
    else if (!content.figures.length) told("unsatisfied", "Nobody has reported what was shown to users yet.");
    else {
      byId("figures").replaceChildren(...content.figures.map(figureRow));
      byId("satisfaction").hidden = false;
    }
  } catch {
    told("unsatisfied", "The service gave no answer.");
  }
}

byId("ask").addEventListener("submit", asked);
byId("satisfied").addEventListener("click", satisfaction);
health();
