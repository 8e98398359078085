import { api, at, called, changed, clock, cut, fromTemplate, kind, say, span, twice } from "./common.js";

const GONE_MS = 1500;
const THUMBNAIL_MS = 1000;
const TOLD_MS = 8000;

/** The list of who is in view, over all cameras. */
export class Now {
  constructor(onOpen) {
    this.list = at("in-view");
    this.onOpen = onOpen;
    this.entries = new Map();
    setInterval(() => this.tidy(), 500);
  }

  /** faces: of one camera now; canvas: its picture, from which the thumbnails are cut; moved: old number -> new one. */
  update(camera, faces, canvas, moved) {
    for (const [old, now] of moved) this.move(`${camera}/${old}`, `${camera}/${now}`);
    const there = new Set(faces.filter((one) => one.in_sight && (one.identity || one.stranger)).map(called));
    for (const face of faces.filter((one) => one.since != null)) { // without, the tracker guesses where somebody is who has gone
      const key = `${camera}/${face.track}`;
      if (!face.in_sight && (!this.entries.has(key) || there.has(called(face)))) continue; // gone before this page came, or back elsewhere
      this.join(key, camera, face, faces);
      const entry = this.entries.get(key) ?? this.add(key, camera);
      entry.seen = performance.now();
      entry.face = face;
      this.describe(entry, camera);
      if (face.in_sight && !(entry.cut > performance.now() - THUMBNAIL_MS)) {
        cut(entry.item.querySelector("canvas"), canvas, face.box);
        entry.cut = performance.now();
      }
    }
    at("nobody").hidden = this.entries.size > 0;
  }

  /** Somebody has another number, under which they may be in the list already: what has the focus stays. */
  move(key, now) {
    const entry = this.entries.get(key), other = this.entries.get(now);
    if (!entry || other?.item.contains(document.activeElement)) return;
    other?.item.remove();
    this.entries.delete(key);
    this.entries.set(now, entry);
  }

  /** Somebody known is back, wherever in the picture: the entry with the number that is gone is theirs. */
  join(key, camera, face, faces) {
    if (!face.identity && !face.stranger) return;
    const isOld = ([old, { face: was }]) => old.startsWith(`${camera}/`) && called(was) === called(face)
      && !faces.some(({ track }) => track === was.track);
    const [old] = [...this.entries].find(isOld) ?? [];
    if (old) this.move(old, key);
  }

  add(key, camera) {
    const entry = { item: fromTemplate("face-in-view"), name: "" };
    entry.item.querySelector(".open").onclick = () => this.onOpen(camera, entry.face);
    this.entries.set(key, entry);
    this.list.append(entry.item);
    return entry;
  }

  describe(entry, camera) {
    const { item, face } = entry;
    const name = called(face);
    const coloured = `face ${kind(face)}`;
    if (item.className !== coloured) item.className = coloured;
    if (name !== entry.name) this.rename(entry, camera, name);
    const since = face.since == null ? "" : ` · since ${clock(face.since, true)} (${span(Date.now() / 1000 - face.since)})`;
    put(item.querySelector(".more"), `${camera}${since}${face.visit > 1 ? ` · visit\u00a0${face.visit}` : ""}`);
    const sure = item.querySelector(".sure");
    sure.hidden = !face.identity || face.distance == null;
    if (!sure.hidden) {
      const share = Math.max(0, 1 - face.distance / face.threshold);
      const meter = sure.querySelector("meter");
      meter.value = share;
      meter.setAttribute("aria-label", "how sure");
      put(sure.querySelector(".far"), `distance ${face.distance.toFixed(3)} of ${face.threshold.toFixed(3)}`);
    }
  }

  rename(entry, camera, name) {
    const { item, face } = entry;
    entry.name = name;
    entry.calm?.();
    item.querySelector(".name").textContent = name;
    if (face.identity) say(`${name} at ${camera}`);
    const open = item.querySelector(".open");
    open.textContent = face.identity ? "Details" : "Give a name";
    open.setAttribute("aria-label", face.identity ? `Details of ${name}` : `Give a name to ${name} at ${camera}`);
    const not = item.querySelector(".not");
    not.hidden = !face.identity;
    not.textContent = face.identity ? `Not ${name}` : "";
    if (face.identity) {
      entry.calm = twice(not, `Really not ${name}`, () => this.deny(entry, camera, face.identity));
    }
  }

  /** The name goes with one of the next pictures; the counter-example takes a moment longer. */
  async deny(entry, camera, name) {
    this.tell(entry, `Not ${name} any more. Keeping the picture…`);
    try {
      await api("POST", `/api/people/${encodeURIComponent(name)}/not`, { camera, track: entry.face.track });
      this.tell(entry, `Not ${name}: the picture is kept as a counter-example.`, TOLD_MS);
      changed();
    } catch (error) {
      this.tell(entry, `Not kept as a counter-example for ${name}: ${error.message}`, TOLD_MS);
    }
  }

  /** Say something about somebody in view; for a while, where it is over. */
  tell(entry, text, forMs) {
    const told = entry.item.querySelector(".told");
    told.textContent = text;
    told.hidden = false;
    say(text);
    clearTimeout(entry.quiet);
    if (forMs) entry.quiet = setTimeout(() => (told.hidden = true), forMs);
  }

  tidy() {
    for (const [key, entry] of this.entries) {
      const isUsed = entry.item.contains(document.activeElement) || !entry.item.querySelector(".told").hidden;
      if (performance.now() - entry.seen > GONE_MS && !isUsed) {
        entry.item.remove();
        this.entries.delete(key);
      }
    }
    at("nobody").hidden = this.entries.size > 0;
  }
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
