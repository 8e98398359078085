let formToken = null;

/** Ask the site; the JSON of its answer. Throws an Error with what to tell the person. */
export async function api(method, path, body) {
  const headers = {};
  if (formToken) headers["X-Form-Token"] = formToken;
  if (body !== undefined && !(body instanceof FormData)) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body instanceof FormData ? body : JSON.stringify(body) });
  if (answer.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
    throw new Error("sign in first");
  }
  const told = answer.headers.get("Content-Type")?.startsWith("application/json") ? await answer.json() : null;
  if (!answer.ok) throw new Error(typeof told?.detail === "string" ? told.detail : `${path} answered ${answer.status}`);
  if (told?.form_token) formToken = told.form_token;
  return told;
}

/** Tell everybody, a screen reader too. */
export function say(text) {
  document.querySelector("#said").textContent = text;
}

/** A copy of the first element of a template. */
export function fromTemplate(id) {
  return document.querySelector(`template#${id}`).content.firstElementChild.cloneNode(true);
}

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
