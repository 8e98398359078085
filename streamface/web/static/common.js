const WARNED_MS = 8000;
let formToken = null, quiet = null;

/** Ask the site; the JSON of its answer. Throws an Error with what to tell the person; its `detail` is the answer's. */
export async function api(method, path, body) {
  const headers = {};
  if (formToken) headers["X-Form-Token"] = formToken;
  if (body !== undefined && !(body instanceof FormData)) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body instanceof FormData ? body : JSON.stringify(body) });
  if (answer.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
    throw new Error("sign in first");
  }
  const sent = await answer.text(); // nothing, where an answer without content still calls itself JSON
  const told = sent && answer.headers.get("Content-Type")?.startsWith("application/json") ? JSON.parse(sent) : null;
  if (!answer.ok) {
    const detail = told?.detail;
    const text = detail?.message ?? detail?.[0]?.msg ?? detail;
    const error = new Error(typeof text === "string" ? text : `${path} answered ${answer.status}`);
    error.detail = detail;
    throw error;
  }
  if (told?.form_token) formToken = told.form_token;
  return told;
}

/** Follows the newest of several questions; an answer to an older one, or its error, is dropped. */
export class Newest {
  #question = null;

  get isAwaited() {
    return this.#question !== null;
  }

  /** What the question, a promise, is answered; undefined where another one was asked meanwhile. */
  async of(question) {
    this.#question = question;
    const isNewest = () => this.#question === question;
    try {
      const told = await question;
      return isNewest() ? told : undefined;
    } catch (error) {
      if (isNewest()) throw error;
      return undefined;
    } finally {
      if (isNewest()) this.#question = null;
    }
  }
}

/** Tell everybody, a screen reader too. */
export function say(text) {
  document.querySelector("#said").textContent = text;
}

/** The same of something that went wrong elsewhere on the page; shown for a while over whatever is open. */
export function warn(text) {
  say(text);
  const shown = at("warned");
  shown.textContent = text;
  shown.togglePopover?.(false);
  shown.togglePopover?.(true);
  clearTimeout(quiet);
  quiet = setTimeout(() => shown.togglePopover?.(false), WARNED_MS);
}

/** The width to ask for, of a picture that is shown in so many pixels: one of a few, so that viewers share them. */
export const widthFor = (pixels) => [320, 640, 960].find((width) => width >= pixels) ?? 1280;

/** The element with this id. */
export const at = (id) => document.getElementById(id);

/** A copy of the first element of a template. */
export function fromTemplate(id) {
  return document.querySelector(`template#${id}`).content.firstElementChild.cloneNode(true);
}

/** A new element: `made("button", { textContent: "x" }, child…)`. */
export function made(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** What stands for the name of somebody who did not consent. */
export const UNNAMED = "somebody who did not consent";

/** How a person is called on the page. */
export function called(face) {
  if (face.identity) return face.identity;
  if (face.stranger) return `stranger ${face.stranger}`;
  return face.looked_at ? "unknown" : "…";
}

/** 'known', 'unknown' or 'waiting': how a person is coloured. */
export function kind(face) {
  if (face.identity) return "known";
  return face.looked_at ? "unknown" : "waiting";
}

/** Seconds since 1970 as a time of day, with the date when it is not today's. */
export function clock(seconds, withSeconds = false) {
  const date = new Date(seconds * 1000);
  const today = date.toDateString() === new Date().toDateString();
  const time = { hour: "2-digit", minute: "2-digit", ...(withSeconds ? { second: "2-digit" } : {}) };
  return today ? date.toLocaleTimeString([], time) : date.toLocaleString([], { day: "numeric", month: "short", ...time });
}

/** Seconds as '40 s', '3 min' or '2 h 5 min'. */
export function span(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A button that asks once more before it does something that cannot be undone; the function returned takes it back. */
export function twice(button, question, work) {
  const text = button.textContent, label = button.getAttribute("aria-label");
  let sure = null;
  const calm = () => {
    clearTimeout(sure);
    sure = null;
    button.textContent = text;
    if (label) button.setAttribute("aria-label", label);
  };
  button.onclick = () => {
    if (sure) {
      calm();
      work();
    } else {
      button.textContent = question;
      button.removeAttribute("aria-label");
      say(`${question}? Press the button once more.`);
      sure = setTimeout(calm, 5000);
    }
  };
  return () => (sure ? calm() : null);
}

/** Draw the face of `picture` inside `box` (shares of it) into a square canvas, with a margin. */
export function cut(square, picture, [left, top, right, bottom], margin = 0.35) {
  const [x, y] = [((left + right) / 2) * picture.width, ((top + bottom) / 2) * picture.height];
  const side = Math.max((right - left) * picture.width, (bottom - top) * picture.height) * (1 + margin);
  square.getContext("2d").drawImage(picture, x - side / 2, y - side / 2, side, side, 0, 0, square.width, square.height);
}

/**
 * Old number -> new one of those whose face got another number between two pictures, Maps of number -> face: somebody
 * who comes back has a new one until it is known who it is.
 */
export function renumbered(before, now) {
  const moved = new Map();
  const wasSeen = (face) => before.get(face.track)?.in_sight;
  const fresh = new Set([...now.values()].filter((face) => face.in_sight && !wasSeen(face)));
  for (const [track, old] of before) {
    const found = old.in_sight && !now.has(track) && [...fresh].find((face) => near(face.box, old.box));
    if (!found) continue;
    fresh.delete(found);
    moved.set(track, found.track);
  }
  return moved;
}

/** Whether the middle of one box lies within the other, both in shares of the picture. */
export function near([left, top, right, bottom], other) {
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  return x > other[0] && x < other[2] && y > other[1] && y < other[3];
}

/** Something about people has changed: the lists on the page are asked for anew. */
export function changed() {
  document.dispatchEvent(new Event("people-changed"));
}
