let formToken = null;

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

/** Makes a function that awaits a question, and gives undefined for one after which another was asked meanwhile. */
export function onlyNewest() {
  let newest = null;
  return async (question) => {
    newest = question;
    try {
      const told = await question;
      return newest === question ? told : undefined;
    } catch (error) {
      if (newest === question) throw error;
      return undefined;
    }
  };
}

/** Tell everybody, a screen reader too. */
export function say(text) {
  document.querySelector("#said").textContent = text;
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

/** A button that asks once more before it does something that cannot be undone. */
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
}

/** Draw the face of `picture` inside `box` (shares of it) into a square canvas, with a margin. */
export function cut(square, picture, [left, top, right, bottom], margin = 0.35) {
  const [x, y] = [((left + right) / 2) * picture.width, ((top + bottom) / 2) * picture.height];
  const side = Math.max((right - left) * picture.width, (bottom - top) * picture.height) * (1 + margin);
  square.getContext("2d").drawImage(picture, x - side / 2, y - side / 2, side, side, 0, 0, square.width, square.height);
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
