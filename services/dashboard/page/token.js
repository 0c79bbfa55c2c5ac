// The API token of this tab: it comes in the address (#token=…) or by the form, and stays in this tab's storage.

const KEY = "paceline.token";
// What can stand in a header; the API knows which of them are tokens.
const USABLE = /^[\x21-\x7e]{1,512}$/;

/** Takes a token out of the address, where others could read it, and returns the one to use, or null. */
export function takeToken() {
  const given = /(?:^#|&)token=([^&]*)/.exec(location.hash);
  if (given) {
    history.replaceState(null, "", location.pathname + location.search);
    rememberToken(decoded(given[1]));
  }
  return sessionStorage.getItem(KEY);
}

/** Keeps a token for this tab; returns whether it can be one at all. */
export function rememberToken(text) {
  const token = text.trim();
  if (!USABLE.test(token)) return false;
  sessionStorage.setItem(KEY, token);
  return true;
}

export function forgetToken() {
  sessionStorage.removeItem(KEY);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not percent-encoded after all
  }
}
