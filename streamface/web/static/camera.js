import { called, clock, fromTemplate, kind, made, renumbered, widthFor } from "./common.js";

const AGAIN_MS = 2000;
const LETTER = 8.5; // pixels that a letter of a label takes, its margin included
const ROOMY = 500; // pixels from which on a label has room for more than the name

/** One camera's tile: asks for a picture, draws it, asks for the next. */
export class Camera {
  /** onFaces: told who is in each picture, and who of them has another number than before; onClick: told whose face was clicked. */
  constructor(name, parent, onFaces, onClick) {
    this.name = name;
    this.onFaces = onFaces;
    this.onClick = onClick;
    this.faces = new Map();
    this.tile = fromTemplate("camera");
    this.tile.querySelector(".name").textContent = name;
    this.canvas = this.tile.querySelector("canvas");
    this.labels = this.tile.querySelector(".labels");
    this.socket = null;
    parent.append(this.tile);
    document.addEventListener("visibilitychange", () => this.connect());
  }

  /** labels: 'page', 'picture' or 'none'. */
  show(labels) {
    this.mode = labels;
    this.labels.classList.toggle("bare", labels !== "page");
    this.connect();
  }

  connect() {
    if (this.socket) {
      this.socket.onclose = null;
      this.socket.close();
      this.socket = null;
    }
    clearTimeout(this.timer);
    if (document.hidden) return; // nobody looks: nothing is drawn or sent
    const width = widthFor(this.tile.clientWidth * devicePixelRatio || 640);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const query = `drawn=${this.mode === "picture"}&width=${width}`;
    this.socket = new WebSocket(`${scheme}://${location.host}/api/cameras/${encodeURIComponent(this.name)}/live?${query}`);
    this.socket.binaryType = "blob";
    this.socket.onmessage = (message) => this.take(message.data);
    this.socket.onclose = () => {
      this.tell("offline", "no connection to streamface");
      this.timer = setTimeout(() => this.connect(), AGAIN_MS);
    };
  }

  async take(data) {
    if (typeof data === "string") {
      this.now = JSON.parse(data);
      if (this.now.picture) return; // the picture comes next
      this.tell(this.now.state, this.now.reason);
    } else {
      const picture = await createImageBitmap(data);
      if (this.canvas.width !== picture.width || this.canvas.height !== picture.height) {
        [this.canvas.width, this.canvas.height] = [picture.width, picture.height];
      }
      this.canvas.getContext("2d").drawImage(picture, 0, 0);
      picture.close();
      this.tell(this.now.state, this.now.reason);
      const moved = this.draw(this.now.faces);
      this.onFaces(this.now.faces, this.canvas, moved);
    }
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send("next");
  }

  tell(state, reason) {
    this.tile.dataset.state = state;
    const delay = this.now?.delay_s != null && state === "live" ? ` · ${Math.round(this.now.delay_s * 1000)} ms behind` : "";
    const since = this.now?.since && state !== "live" ? ` since ${clock(this.now.since, true)}` : "";
    this.tile.querySelector(".state").textContent = state + since + delay;
    const banner = this.tile.querySelector(".banner");
    banner.hidden = state === "live";
    banner.textContent = reason ? `${state}: ${reason}` : state;
    const people = this.now?.faces.map(called).join(", ") || "nobody";
    const text = `${this.name}, ${state}: ${people}`;
    if (this.canvas.getAttribute("aria-label") !== text) this.canvas.setAttribute("aria-label", text);
  }

  /** A button over each face, with its label where labels are drawn by the page; old -> new numbers. */
  draw(faces) {
    const before = this.faces;
    this.faces = new Map(faces.map((face) => [face.track, face]));
    const moved = renumbered(before, this.faces);
    for (const [old, now] of moved) this.move(this.of(old), now);
    for (const label of [...this.labels.children]) if (!this.faces.has(Number(label.dataset.track))) label.remove();
    for (const [track, face] of this.faces) {
      const label = this.of(track) ?? this.add(track);
      const [left, top, right, bottom] = face.box;
      label.className = `${kind(face)}${face.in_sight ? "" : " hidden-face"}${top < 0.12 ? " below" : ""}`;
      label.style.cssText = `left:${left * 100}%;top:${top * 100}%;width:${(right - left) * 100}%;height:${(bottom - top) * 100}%`;
      const { age, gender, emotion } = face.attributes;
      const roomy = this.tile.clientWidth > ROOMY;
      const more = roomy ? [gender?.label, age?.label, emotion?.label].filter(Boolean).join(", ") : "";
      const shown = more ? `${called(face)} · ${more}` : called(face);
      label.firstChild.textContent = shown;
      label.classList.toggle("leftward", left * this.tile.clientWidth + shown.length * LETTER > this.tile.clientWidth);
      const text = face.identity ? `${face.identity}: details` : `${called(face)}: give a name`;
      if (label.getAttribute("aria-label") !== text) label.setAttribute("aria-label", text);
    }
    return moved;
  }

  /** The button of a face goes with it to another number, which may have one already: what has the focus stays. */
  move(label, track) {
    const other = this.of(track);
    if (other && other === document.activeElement) return;
    other?.remove();
    label.dataset.track = track;
  }

  /** The button of somebody, where there is one. */
  of(track) {
    return this.labels.querySelector(`[data-track="${track}"]`);
  }

  add(track) {
    const label = made("button", { type: "button" }, made("span"));
    label.onclick = () => this.onClick(this.faces.get(Number(label.dataset.track)));
    label.dataset.track = track;
    label.firstChild.setAttribute("aria-hidden", "true");
    this.labels.append(label);
    return label;
  }
}
