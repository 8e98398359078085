import { api, widthFor } from "./common.js";

const AGAIN_MS = 1500;
const LONG = 90; // letters of a title, such as a claimed name, from which on they are smaller
const LOST = { state: "offline", detail: null, title: "No connection", more: "Please wait, or ask for help", done: 0, total: 0 };
const page = Object.fromEntries(
  ["kiosk", "picture", "icon", "title", "more", "progress", "claim", "name", "claim-cancel", "problem"].map((id) => [id, document.getElementById(id)]),
);

function address(path) {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
}

/** A socket that comes back by itself; `opened` makes it, `lost` is told when it is gone. */
function keep(path, opened, lost = () => {}) {
  const socket = new WebSocket(address(path));
  socket.binaryType = "blob";
  opened(socket);
  socket.onclose = () => {
    lost();
    setTimeout(() => keep(path, opened, lost), AGAIN_MS);
  };
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function show(now) {
  page.kiosk.dataset.state = now.state;
  page.kiosk.dataset.detail = now.detail ?? "";
  set(page.title, now.title);
  page.title.classList.toggle("long", now.title.length > LONG);
  set(page.more, now.more);
  const icon = ["guide", "prompt"].includes(now.state) ? now.detail : now.state;
  page.icon.firstElementChild.setAttribute("href", `#i-${icon}`);
  showSteps(now);
  if (page.claim.hidden && now.state === "claim") page.problem.textContent = "";
  page.claim.hidden = now.state !== "claim";
  page["claim-cancel"].hidden = !now.asks_name || !now.person || !["idle", "guide", "checking"].includes(now.state);
}

function showSteps({ state, done, total }) {
  page.progress.hidden = state !== "prompt";
  while (page.progress.children.length > total) page.progress.lastChild.remove();
  while (page.progress.children.length < total) page.progress.append(document.createElement("li"));
  [...page.progress.children].forEach((step, i) => {
    step.className = i < done ? "done" : i === done ? "now" : "";
    step.setAttribute("aria-label", `step ${i + 1} ${i < done ? "done" : "to do"}`);
  });
}

async function draw(socket, data) {
  const picture = await createImageBitmap(data);
  Object.assign(page.picture, { width: picture.width, height: picture.height });
  page.picture.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
  if (socket.readyState === WebSocket.OPEN) socket.send("next");
}

function watch() {
  const width = widthFor(page.picture.clientWidth * devicePixelRatio || 640);
  keep(`/api/kiosk/picture?width=${width}`, (socket) => (socket.onmessage = (message) => draw(socket, message.data)));
}

page.claim.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await api("POST", "/api/kiosk/claim", { name: page.name.value });
    page.name.value = "";
    page.problem.textContent = "";
  } catch (error) {
    page.problem.textContent = error.message;
  }
});
page["claim-cancel"].addEventListener("click", () => api("DELETE", "/api/kiosk/claim").catch((error) => (page.problem.textContent = error.message)));

api("GET", "/api/session")
  .then(() => api("GET", "/api/kiosk"))
  .then((now) => {
    show(now);
    watch();
    keep("/api/kiosk/live", (socket) => (socket.onmessage = (message) => show(JSON.parse(message.data))), () => show(LOST));
  })
  .catch((error) => show({ ...LOST, title: "No kiosk", more: error.message }));
