// The list of campaigns. Rows are kept and changed where they stand, so that focus, selection and a screen reader's
// place survive each second; and everything that came from outside goes in as text.

import { drawSparkline } from "./sparkline.js";
import { count, counted, dates, percent, spoken, zone } from "./words.js";

// What runs is looked at first. A status that this page does not know comes last and is shown by its name.
const ORDER = ["RUNNING", "READY", "STOPPED", "DONE"];

// How an outcome's bar is coloured; its name and count stand beside it.
const REACHED = new Set(["Answered"]);
const MACHINE = new Set(["AnswerphoneMessageLeft", "AnswerphoneMessageNotLeft", "Fax"]);
const TROUBLE = new Set(["Overflow", "NoConnection", "Unknown", "OutOfTime"]);

const rows = new Map();

/** Shows exactly these campaigns. */
export function showCampaigns(list, campaigns) {
  const ordered = [...campaigns].sort(runningThenNewest);
  const shown = new Set(ordered.map((campaign) => campaign.campaign_id));
  for (const [id, row] of rows) {
    if (!shown.has(id)) {
      row.remove();
      rows.delete(id);
    }
  }
  ordered.forEach((campaign, place) => {
    const row = rows.get(campaign.campaign_id) ?? newRow(campaign.campaign_id);
    fill(row, campaign);
    if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
  });
}

function runningThenNewest(one, other) {
  const rank = ({ status }) => (ORDER.includes(status) ? ORDER.indexOf(status) : ORDER.length);
  return rank(one) - rank(other) || other.campaign_id - one.campaign_id;
}

function newRow(id) {
  const row = document.getElementById("campaign-row").content.firstElementChild.cloneNode(true);
  const title = row.querySelector(".name");
  title.id = `campaign-${id}`;
  row.firstElementChild.setAttribute("aria-labelledby", title.id);
  rows.set(id, row);
  return row;
}

function fill(row, campaign) {
  const part = (name) => row.querySelector(name);
  const held = campaign.held !== null && campaign.status === "RUNNING";
  row.firstElementChild.dataset.status = held ? "HELD" : campaign.status;
  write(part(".name"), campaign.name || `Campaign ${campaign.campaign_id}`);
  write(part(".status-word"), held ? "Held" : spoken(campaign.status));
  writeOrHide(part(".held"), campaign.held ?? "");
  write(part(".when"), when(campaign));
  write(part(".pace"), hours(campaign));
  write(part(".live-count"), count(campaign.calls_in_progress));
  part(".live").dataset.quiet = campaign.calls_in_progress === 0;
  part(".live").hidden = campaign.calls_in_progress === 0 && campaign.status !== "RUNNING";
  fillProgress(row, campaign.numbers);
  fillOutcomes(part(".outcomes"), campaign);
  part(".minutes").hidden = !campaign.calls_by_minute?.length && campaign.status !== "RUNNING";
  drawSparkline(part(".minutes"), campaign.calls_by_minute);
}

function when({ campaign_id, name, start_date, end_date, schedule_nickname }) {
  const number = name ? `№ ${campaign_id}` : ""; // without a name the id is the title
  return [number, dates(start_date, end_date), isolated(schedule_nickname)].filter(Boolean).join(" · ");
}

function hours({ profiles, time_zone }) {
  // A word joiner keeps the two ends of a window on one line.
  const windows = profiles.map(({ nickname, start_time, end_time }) =>
    [isolated(nickname), `${start_time}\u2060–\u2060${end_time}`].filter(Boolean).join(" "),
  );
  return [windows.join(", "), time_zone && zone(time_zone)].filter(Boolean).join(" ");
}

/** A given name inside a line of ours: letters that run from right to left must not turn the rest around. */
function isolated(name) {
  return name && `\u2068${name}\u2069`;
}

function fillProgress(row, numbers) {
  const part = (name) => row.querySelector(name);
  write(part(".progress-count"), `${count(numbers.final)} of ${count(numbers.accepted)} final`);
  write(part(".progress-share"), percent(numbers.final, numbers.accepted));
  const bar = part(".bar");
  bar.setAttribute("aria-valuemax", numbers.accepted);
  bar.setAttribute("aria-valuenow", numbers.final);
  bar.setAttribute("aria-valuetext", `${count(numbers.final)} of ${count(numbers.accepted)} numbers final`);
  stretch(part(".bar-final"), numbers.final, numbers.accepted);
  stretch(part(".bar-calling"), numbers.in_attempt, numbers.accepted);
  const open = [[numbers.ready, "ready"], [numbers.waiting, "waiting"], [numbers.in_attempt, "trying"]];
  write(part(".progress-rest"), open.filter(([left]) => left > 0).map(([left, word]) => `${count(left)} ${word}`).join(" · "));
  const left = [];
  if (numbers.refused) left.push(counted(numbers.refused, "line refused", "lines refused"));
  if (numbers.duplicates) left.push(counted(numbers.duplicates, "duplicate"));
  writeOrHide(part(".progress-refused"), left.join(" · "));
}

function fillOutcomes(list, { outcomes, numbers }) {
  const counts = Object.entries(outcomes).filter(([, numbers_]) => numbers_ > 0);
  counts.sort(([, one], [, other]) => other - one);
  while (list.children.length > counts.length) list.lastElementChild.remove();
  const template = document.getElementById("outcome-row").content.firstElementChild;
  counts.forEach(([name, reached], place) => {
    const row = list.children[place] ?? list.appendChild(template.cloneNode(true));
    row.dataset.kind = kind(name);
    write(row.querySelector(".outcome-name"), spoken(name));
    write(row.querySelector(".outcome-count"), count(reached));
    stretch(row.querySelector(".outcome-bar"), reached, numbers.final);
  });
}

function kind(outcome) {
  if (REACHED.has(outcome)) return "reached";
  if (MACHINE.has(outcome)) return "machine";
  return TROUBLE.has(outcome) ? "trouble" : "missed";
}

function stretch(element, part, whole) {
  element.style.setProperty("inline-size", whole ? `${((100 * Math.min(part, whole)) / whole).toFixed(2)}%` : "0");
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function writeOrHide(element, text) {
  write(element, text);
  element.hidden = text === "";
}
