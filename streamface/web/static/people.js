import { called, fromTemplate, kind, say } from "./common.js";

const MARGIN = 0.35;
const GONE_MS = 1500;

/** The list of who is in view, over all cameras. */
export class People {
  constructor(list, nobody) {
    this.list = list;
    this.nobody = nobody;
    this.entries = new Map();
    setInterval(() => this.tidy(), 500);
  }

  /** faces: of one camera now; canvas: its picture, from which the thumbnails are cut. */
  update(camera, faces, canvas) {
    for (const face of faces) {
      const key = `${camera}/${face.track}`;
      let entry = this.entries.get(key);
      if (!entry) {
        entry = { item: fromTemplate("person"), since: new Date(), name: "" };
        this.entries.set(key, entry);
        this.list.append(entry.item);
      }
      entry.seen = performance.now();
      this.describe(entry, face, camera);
      if (face.in_sight && !(entry.cut > performance.now() - 1000)) {
        cut(entry.item.querySelector("canvas"), canvas, face.box);
        entry.cut = performance.now();
      }
    }
    this.nobody.hidden = this.entries.size > 0;
  }

  describe(entry, face, camera) {
    const name = called(face);
    entry.item.className = kind(face);
    if (name !== entry.name) {
      entry.item.querySelector(".name").textContent = name;
      if (face.identity) say(`${name} at ${camera}`);
      entry.name = name;
    }
    const time = entry.since.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    const sure = face.distance == null ? "" : ` · distance ${face.distance.toFixed(2)}`;
    const more = `${camera} · since ${time}${sure}`;
    const line = entry.item.querySelector(".more");
    if (line.textContent !== more) line.textContent = more;
  }

  tidy() {
    for (const [key, entry] of this.entries) {
      if (performance.now() - entry.seen > GONE_MS) {
        entry.item.remove();
        this.entries.delete(key);
      }
    }
    this.nobody.hidden = this.entries.size > 0;
  }
}

/** Draw the face of `picture` inside `box` (shares of it) into a square canvas, with a margin. */
function cut(square, picture, [left, top, right, bottom]) {
  const [x, y] = [((left + right) / 2) * picture.width, ((top + bottom) / 2) * picture.height];
  const side = Math.max((right - left) * picture.width, (bottom - top) * picture.height) * (1 + MARGIN);
  square.getContext("2d").drawImage(picture, x - side / 2, y - side / 2, side, side, 0, 0, square.width, square.height);
}
