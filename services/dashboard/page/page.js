// The page: asks /live once a second with this tab's token, shows the answer, and says so when answers stop coming.

import { showCampaigns } from "./campaigns.js";
import { drawSparkline } from "./sparkline.js";
import { forgetToken, rememberToken, takeToken } from "./token.js";
import { clock, count, counted, percent } from "./words.js";

const POLL_MS = 1000;
// The dashboard answers within five seconds, be it with an error: it waits three for the API, and two for Redis.
const ANSWER_TIMEOUT_MS = 6000;
// Three polls that brought nothing: what is on the page is no longer what is.
const STALE_MS = 4000;

const $ = (id) => document.getElementById(id);

let timer = 0;
let asking = false;
let shownAt = null; // when the figures on the page came, null while there are none
let trouble = ""; // why none came since

// Polling -----------------------------------------------------------------------------------------------------

function wake() {
  clearTimeout(timer);
  if (document.visibilityState === "hidden" || asking) return;
  const token = takeToken();
  $("forget").hidden = token === null;
  if (token === null) showEntry();
  else void poll(token);
}

async function poll(token) {
  asking = true;
  try {
    await ask(token);
  } finally {
    asking = false;
  }
  showFreshness();
  timer = setTimeout(wake, POLL_MS);
}

async function ask(token) {
  let answer;
  let body;
  try {
    answer = await fetch("live", {
      headers: { Authorization: `Bearer ${token}` },
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    body = await answer.json();
  } catch {
    trouble = "The dashboard does not answer.";
    return;
  }
  if (takeToken() !== token) return; // another token, or none, since it was asked
  if (answer.ok) show(body);
  else if (answer.status === 401) refuse(body.error);
  else trouble = body.error ?? `The dashboard answered with status ${answer.status}.`;
}

// What is on the page -------------------------------------------------------------------------------------------

function show(live) {
  trouble = "";
  shownAt = Date.now();
  $("entry").hidden = true;
  for (const id of ["board", "updated"]) $(id).hidden = false;
  showOverview(live);
  showCampaigns($("campaigns"), live.campaigns);
  $("empty").hidden = live.campaigns.length > 0;
  write("campaigns-count", howMany(live));
}

function showOverview({ campaigns, calls_in_progress, platform }) {
  const total = (what) => campaigns.reduce((sum, campaign) => sum + what(campaign), 0);
  const accepted = total(({ numbers }) => numbers.accepted);
  const final = total(({ numbers }) => numbers.final);
  const answered = total(({ outcomes }) => outcomes.Answered ?? 0);
  write("now-count", count(calls_in_progress));
  write("sum-accepted", count(accepted));
  write("sum-final", withShare(final, accepted));
  write("sum-answered", withShare(answered, final));
  write("sum-open", count(accepted - final));
  drawSparkline($("hour-spark").parentElement, together(campaigns));
  write("platform", platformSentence(platform));
  $("platform").dataset.bad = platform === null || !platform.dialers || !platform.pacers;
  document.title = calls_in_progress ? `${counted(calls_in_progress, "call")} · Paceline` : "Paceline";
}

const withShare = (part, whole) => [count(part), percent(part, whole)].filter(Boolean).join(" · ");

/** Adds up the campaigns' minutes; null when nobody knows them. */
function together(campaigns) {
  const known = campaigns.map((campaign) => campaign.calls_by_minute);
  if (known.includes(null)) return null;
  const calling = known.filter((minutes) => minutes.length > 0);
  return (calling[0] ?? []).map((_, at) => calling.reduce((sum, minutes) => sum + minutes[at], 0));
}

function platformSentence(platform) {
  if (platform === null) return "Redis does not answer: calls per minute and the state of the dialers are unknown.";
  if (!platform.dialers) return "No dialer is running: no call can be placed.";
  if (!platform.pacers) return "No pacer is running: no new call is planned.";
  const room = `room for ${counted(platform.dialer_capacity, "call")}`;
  return `${counted(platform.dialers, "dialer")}, ${room} · ${counted(platform.pacers, "pacer")}`;
}

function howMany({ campaigns, campaigns_in_all }) {
  if (campaigns_in_all > campaigns.length) return `${campaigns.length} of ${count(campaigns_in_all)}: the live ones, then the newest`;
  return campaigns.length ? count(campaigns.length) : "";
}

/** Says from when the figures are. The sentence of an outage stays the same, so that it is read out once. */
function showFreshness() {
  const stale = shownAt === null ? trouble !== "" : Date.now() - shownAt > STALE_MS;
  document.body.classList.toggle("stale", stale && shownAt !== null);
  if (shownAt !== null) write("updated-at", clock(new Date(shownAt)));
  if (!stale) write("notice", "");
  else write("notice", [trouble, outlook()].filter(Boolean).join(" "));
}

function outlook() {
  if (shownAt !== null) return `The figures below are from ${clock(new Date(shownAt))}.`;
  return $("entry").hidden ? "The page asks again every second." : "";
}

// The token -----------------------------------------------------------------------------------------------------

function showEntry() {
  if (!$("entry").hidden) return;
  shownAt = null;
  document.title = "Paceline";
  document.body.classList.remove("stale");
  for (const id of ["board", "updated", "forget"]) $(id).hidden = true;
  $("entry").hidden = false;
  $("token").focus();
}

function refuse(sentence) {
  forgetToken();
  showEntry();
  trouble = sentence ?? "The API does not take this token.";
}

function write(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

$("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  trouble = rememberToken($("token").value) ? "" : "This cannot be a token: it has spaces or letters that no token has.";
  $("token").value = "";
  showFreshness();
  wake();
});
$("forget").addEventListener("click", () => {
  forgetToken();
  trouble = "";
  showFreshness();
  wake();
});
addEventListener("hashchange", wake);
document.addEventListener("visibilitychange", wake);
setInterval(showFreshness, POLL_MS); // also while an answer is awaited
wake();
