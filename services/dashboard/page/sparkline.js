// Calls per minute of the last hour as one bar a minute; the minute that is not over is drawn apart.

import { count, counted } from "./words.js";

const MINUTES = 60;
const HEIGHT = 32;
const GAP = 0.3; // of a minute's width

/**
 * Draws counts (oldest first, the last minute not over yet) and captions them.
 * An empty list means that no call was placed; null, that nobody knows.
 */
export function drawSparkline(figure, minutes) {
  const svg = figure.querySelector("svg");
  const caption = figure.querySelector("figcaption");
  const known = minutes ?? [];
  const most = Math.max(0, ...known);
  svg.setAttribute("viewBox", `0 0 ${MINUTES} ${HEIGHT}`);
  set(svg.querySelector(".spark-past"), "d", bars(known.slice(0, -1), most));
  set(svg.querySelector(".spark-now"), "d", bars(known.slice(-1), most, known.length - 1));
  set(svg, "aria-label", sentence(minutes, most));
  svg.classList.toggle("quiet", !most);
  write(caption, minutes === null ? "Calls per minute unknown" : summary(known, most));
}

function bars(counts, most, first = 0) {
  // A hairline stands where there was no call: the hour was quiet, not unknown.
  return counts
    .map((calls, at) => {
      const height = most && calls ? Math.max(1.5, (calls / most) * HEIGHT) : 0.5;
      return `M${first + at} ${HEIGHT}v${-height.toFixed(2)}h${(1 - GAP).toFixed(2)}v${height.toFixed(2)}z`;
    })
    .join("");
}

function summary(minutes, most) {
  return most ? `${counted(minutes.at(-2) ?? 0, "call")} a minute · peak ${count(most)}` : "No calls in the last hour";
}

function sentence(minutes, most) {
  if (minutes === null) return "Calls per minute are unknown.";
  if (!most) return "No calls in the last hour.";
  const all = minutes.reduce((sum, calls) => sum + calls, 0);
  return `Calls per minute over the last hour: ${counted(all, "call")}, at most ${count(most)} in a minute.`;
}

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
