import { api, at, changed, cut, made, near, say, UNNAMED, warn } from "./common.js";

const LOOK_MS = 300;
const KINDS = ["straight", "straight", "left", "right"];
const WORDS = { straight: "straight", left: "to your left", right: "to your right" };

/** The dialog that enrols somebody in view: it asks the site to look, shows what was taken, and saves it. */
export class Enrol {
  constructor() {
    this.dialog = at("enrol");
    at("enrol-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.save(false);
    });
    at("enrol-anyway").onclick = () => this.save(true);
    at("enrol-cancel").onclick = () => this.dialog.close();
    at("enrol-same").onclick = () => this.takeName(this.told.likeness.person);
    at("enrol-name").addEventListener("input", () => this.show());
    this.dialog.addEventListener("close", () => this.end());
  }

  /** Begin with somebody in a camera's picture, who may get another number at any moment. */
  async open(camera, track) {
    if (this.dialog.open) return;
    this.told = null;
    this.camera = camera;
    this.wanted = track;
    this.box = null;
    this.seen = new Set();
    at("enrol-form").reset();
    at("enrol-face").width = at("enrol-face").width; // empty
    at("enrol-problem").textContent = at("enrol-hint").textContent = "";
    at("enrol-pictures").replaceChildren();
    this.saved = this.saving = this.busy = this.refused = this.failed = false;
    this.looking = null;
    this.show();
    this.dialog.showModal();
    at("enrol-name").focus();
    const round = (this.round = {});
    try {
      const told = await api("POST", "/api/enrolments", { camera, track });
      if (this.round !== round) return forget(told); // closed before the answer came
      this.told = told;
    } catch (error) {
      if (this.round !== round) return;
      this.failed = true;
      at("enrol-problem").textContent = error.message;
      this.show();
      return;
    }
    this.timer = setInterval(() => (this.busy ? null : (this.looking = this.look(round))), LOOK_MS);
  }

  /** Show the face live; one that was lost is followed under its new number when it comes where it was. */
  update(camera, faces, canvas, moved) {
    if (!this.dialog.open || camera !== this.camera) return;
    this.wanted = moved.get(this.wanted) ?? this.wanted;
    const seen = faces.filter((face) => face.in_sight), before = this.seen;
    this.seen = new Set(seen.map((face) => face.track));
    const isBack = (one) => this.box && !before.has(one.track) && near(one.box, this.box);
    const face = seen.find((one) => one.track === this.wanted) ?? seen.find(isBack);
    if (!face) return;
    this.wanted = face.track;
    this.box = face.box;
    cut(at("enrol-face"), canvas, face.box, 0.5);
  }

  async look(round) {
    this.busy = true;
    try {
      const moved = this.wanted === this.told.track ? {} : { track: this.wanted };
      this.take(round, await api("POST", `/api/enrolments/${this.told.id}/look`, moved));
    } catch (error) {
      if (this.round !== round) return;
      clearInterval(this.timer);
      at("enrol-problem").textContent = error.message;
    }
    if (this.round === round) this.busy = false;
  }

  /** Show how far it is, unless the dialog was closed before the answer came. */
  take(round, told) {
    if (this.round !== round) return;
    this.told = told;
    this.show();
  }

  show() {
    const { told } = this;
    const text = told?.text ?? (this.failed ? "" : "One moment…");
    if (at("enrol-hint").textContent !== text) at("enrol-hint").textContent = text;
    this.showPictures(told?.pictures ?? []);
    this.showLikeness(told?.likeness ?? null);
    at("enrol-save").disabled = !told?.pictures.length || !at("enrol-name").value.trim();
  }

  showPictures(pictures) {
    const shown = pictures.map((picture) => picture.number).join();
    const list = at("enrol-pictures");
    if (list.childElementCount && list.dataset.shown === shown) return;
    list.dataset.shown = shown;
    const left = [...pictures];
    const slots = KINDS.map((kind) => {
      const place = left.findIndex((picture) => picture.kind === kind);
      return place < 0 ? made("li", { textContent: WORDS[kind] }) : this.slot(left.splice(place, 1)[0]);
    });
    list.replaceChildren(...slots);
  }

  slot(picture) {
    const address = `/api/enrolments/${this.told.id}/pictures/${picture.number}`;
    const drop = made("button", { type: "button", textContent: "Again" });
    drop.setAttribute("aria-label", `Again: the picture looking ${WORDS[picture.kind]}`);
    drop.onclick = () => this.drop(address, drop);
    return made("li", { className: "taken" }, made("img", { src: `${address}.jpg`, alt: `looking ${WORDS[picture.kind]}` }), drop);
  }

  /** Leave a picture out, so that another one is taken. */
  async drop(address, button) {
    const { round } = this;
    button.disabled = true; // pressed once more it would be about a picture that is gone
    at("enrol-problem").textContent = "";
    try {
      this.take(round, await api("DELETE", address));
    } catch (error) {
      button.disabled = false;
      if (this.round === round) at("enrol-problem").textContent = error.message;
    }
  }

  showLikeness(likeness) {
    const box = at("enrol-likeness"), same = at("enrol-same");
    const name = at("enrol-name").value.trim();
    box.hidden = !likeness || likeness.person === name;
    same.hidden = box.hidden || !likeness.is_same || !likeness.person;
    if (!this.refused) at("enrol-anyway").hidden = true;
    if (box.hidden) return;
    const far = `distance ${likeness.distance.toFixed(3)}, threshold ${likeness.limit.toFixed(3)}`;
    const who = likeness.person ?? UNNAMED;
    const text = likeness.is_same
      ? `This is ${who} already (${far}).`
      : `Close to ${who} (${far}): the two may be taken for each other.`;
    if (box.textContent !== text) box.textContent = text;
    same.textContent = `Add the pictures to ${likeness.person}`;
  }

  takeName(name) {
    at("enrol-name").value = name;
    this.save(false);
  }

  async save(anyway) {
    const name = at("enrol-name").value.trim();
    if (!this.told || this.saving || !name) return;
    this.saving = true;
    at("enrol-problem").textContent = "";
    const round = this.round;
    try {
      await this.looking; // what was asked for last is not asked of an enrolment that is over
      if (this.round !== round) return;
      this.busy = true;
      const saved = await api("POST", `/api/enrolments/${this.told.id}/save`, { name, anyway });
      say(`${saved.name} is known now.`);
      changed();
      if (this.round !== round) return;
      this.saved = true;
      this.dialog.close();
    } catch (error) {
      if (this.round !== round) return warn(`${name}: ${error.message}`);
      at("enrol-problem").textContent = error.message;
      this.refused = typeof error.detail === "object" && "likeness" in error.detail;
      at("enrol-anyway").hidden = !this.refused;
      at("enrol-anyway").textContent = `Save as ${name} all the same`;
      this.busy = false;
    }
    this.saving = false;
  }

  end() {
    clearInterval(this.timer);
    if (this.told && !this.saved) forget(this.told);
    this.told = this.round = null;
  }
}

/** Nothing of an enrolment is kept. */
function forget({ id }) {
  api("DELETE", `/api/enrolments/${id}`).catch(() => {});
}
