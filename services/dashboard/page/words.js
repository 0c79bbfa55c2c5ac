// Numbers, dates and the API's words, as people read them.

const COUNT = new Intl.NumberFormat("en-US");
const PERCENT = new Intl.NumberFormat("en-US", { style: "percent", maximumFractionDigits: 0 });
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** 12345 → "12,345" */
export const count = (number) => COUNT.format(number);

/** "1 call", "2 calls" */
export const counted = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** A share of a whole; neither 0 % nor 100 % is said before it is true. */
export function percent(part, whole) {
  if (!whole) return "";
  const share = part / whole;
  if (part > 0 && share < 0.01) return "<1%";
  if (part < whole && share > 0.99) return ">99%";
  return PERCENT.format(share);
}

/** "AnswerphoneMessageLeft" → "Answerphone message left", "READY" → "Ready" */
export function spoken(name) {
  const words = name.replace(/(\p{Ll})(?=\p{Lu})/gu, "$1 ").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** "2026-11-23 00:00:00", "2026-12-05 00:00:00" → "23 Nov – 5 Dec 2026"; what is no date stays as it is. */
export function dates(first, last) {
  const from = /^(\d{4})-(\d\d)-(\d\d)/.exec(first);
  const to = /^(\d{4})-(\d\d)-(\d\d)/.exec(last);
  if (!from || !to) return `${first} – ${last}`;
  const day = ([, , month, dayOfMonth]) => `${Number(dayOfMonth)} ${MONTHS[Number(month) - 1] ?? month}`;
  if (from[0] === to[0]) return `${day(to)} ${to[1]}`;
  return from[1] === to[1] ? `${day(from)} – ${day(to)} ${to[1]}` : `${day(from)} ${from[1]} – ${day(to)} ${to[1]}`;
}

/** "America/New_York" → "New York time", "UTC" → "UTC" */
export const zone = (name) => (name.includes("/") ? `${name.split("/").at(-1).replaceAll("_", " ")} time` : name);

/** "14:03:21", by the browser's clock */
export const clock = (date) => date.toLocaleTimeString("en-GB");
