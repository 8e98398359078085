import { api, at, changed, made, say, twice, warn } from "./common.js";
import { Traces } from "./traces.js";

/** Thrown in place of an answer about somebody who is no longer shown. */
const PAST = Symbol("past");
/** Parts of the dialog that change something. */
const PARTS = ["person-pictures", "person-counters-part", "person-upload", "person-rename", "person-merge"];

/** The dialog about one person: pictures, counter-examples, name. */
export class Person {
  constructor() {
    this.dialog = at("person");
    at("person-close").onclick = () => this.dialog.close();
    this.onSubmit("person-rename", () => this.rename());
    this.onSubmit("person-merge", () => this.merge());
    this.onSubmit("person-upload", () => this.upload());
    this.calm = twice(at("person-remove"), "Really remove", () => this.remove());
    this.traces = new Traces((busy, gone) => this.lock(busy, gone));
  }

  /** While everything about the person is looked for nothing else is changed; afterwards there may be nobody left. */
  lock(busy, gone) {
    for (const id of PARTS) at(id).inert = busy;
    at("person-remove").disabled = busy;
    if (!gone) return;
    for (const id of ["person-pictures", "person-counters"]) at(id).replaceChildren();
    for (const id of [...PARTS, "person-pictures-title", "person-remove", "person-export", "person-erase"]) at(id).hidden = true;
    at("person-close").focus();
  }

  get path() {
    return `/api/people/${encodeURIComponent(this.name)}`;
  }

  /** Show somebody who is known. */
  async open(name) {
    const turn = this.begin(name, false);
    await this.try(() => this.load());
    if (this.turn === turn && !document.querySelector("dialog[open]")) this.dialog.showModal();
  }

  /** Show an empty one, for photographs of somebody new. */
  openNew() {
    this.begin("", true);
    this.dialog.showModal();
    at("person-name").focus();
  }

  /** Answers from now on are about this person; the same one may have been shown before. */
  begin(name, isNew) {
    if (isNew || name !== this.name) this.turn = Symbol(name);
    this.name = name;
    this.isNew = isNew;
    this.clear();
    this.traces.open(name);
    this.show({ pictures: [], counter_examples: [] });
    return this.turn;
  }

  clear() {
    this.calm();
    at("person-merge").hidden = true;
    for (const id of ["person-pictures", "person-upload", "person-rename", "person-export", "person-erase"]) at(id).hidden = false;
    at("person-problem").textContent = "";
    at("person-sent").replaceChildren();
    at("person-upload").reset();
  }

  async load() {
    this.show(await this.ask("GET", this.path));
    const people = await this.ask("GET", "/api/people?limit=10000");
    const others = people.map((one) => one.name).filter((name) => name !== this.name);
    const empty = made("option", { value: "", textContent: "choose…" });
    at("person-into").replaceChildren(empty, ...others.map((name) => made("option", { value: name, textContent: name })));
    at("person-merge").hidden = others.length === 0;
  }

  show({ pictures, counter_examples: counters }) {
    at("person-title").textContent = this.isNew ? "Somebody new" : this.name;
    at("person-name").value = this.name;
    for (const id of ["person-pictures-title", "person-remove", "person-traces"]) at(id).hidden = this.isNew;
    at("person-rename").querySelector("button").hidden = this.isNew;
    at("person-pictures").replaceChildren(...pictures.map((picture, i) => this.item(picture, `Picture ${i + 1}`, true)));
    at("person-counters").replaceChildren(...counters.map((picture, i) => this.item(picture, `Counter-example ${i + 1}`, false)));
    at("person-counters-part").hidden = counters.length === 0;
  }

  item(picture, title, own) {
    const shot = made("div", { className: "shot" });
    const address = `${this.path}/pictures/${picture.key}`;
    if (picture.has_picture) shot.append(made("img", { src: `${address}.jpg`, alt: own ? `${title} of ${this.name}` : title }));
    else shot.textContent = "no picture kept";
    const remove = made("button", { textContent: "Remove" });
    remove.setAttribute("aria-label", `Remove ${title.toLowerCase()}`);
    twice(remove, "Really remove", () => this.change("DELETE", address));
    const buttons = made("div", { className: "buttons" }, remove);
    if (own && picture.has_picture) {
      const not = made("button", { textContent: `Not ${this.name}` });
      twice(not, `Really not ${this.name}`, () => this.change("POST", `${this.path}/not`, { picture: picture.key }));
      buttons.append(not);
    }
    return made("li", { className: "card" }, shot, buttons);
  }

  async upload() {
    if (this.isNew) this.name = at("person-name").value.trim();
    if (!this.name) throw new Error("type a name first");
    const form = new FormData();
    for (const file of at("person-files").files) form.append("files", file);
    const sent = await this.ask("POST", `${this.path}/pictures`, form);
    const lines = sent.map(({ file, key, problem, remark }) =>
      made("li", { className: key ? "" : "problem", textContent: `${file}: ${problem ?? remark ?? "taken"}` }));
    at("person-sent").replaceChildren(...lines);
    at("person-upload").reset();
    if (!sent.some(({ key }) => key)) return;
    if (this.isNew) this.traces.open(this.name);
    this.isNew = false;
    await this.load();
  }

  async rename() {
    if (this.isNew) return;
    const told = await this.ask("PATCH", this.path, { name: at("person-name").value });
    say(`${this.name} is ${told.name} from now on.`);
    this.name = told.name;
    this.traces.open(this.name);
    await this.load();
  }

  async merge() {
    const told = await this.ask("POST", `${this.path}/merge`, { into: at("person-into").value });
    say(`${this.name} and ${told.name} are one.`);
    this.name = told.name;
    this.traces.open(this.name);
    await this.load();
  }

  remove() {
    return this.try(async () => {
      await this.ask("DELETE", this.path);
      say(`${this.name} is no longer known.`);
      this.dialog.close();
    });
  }

  /** Do something to the person's pictures and show what is left. */
  change(...asked) {
    return this.try(async () => {
      await this.ask(...asked);
      await this.load().catch((error) => {
        if (error === PAST) throw error;
        this.dialog.close(); // nobody is left without a picture
      });
    });
  }

  /** As `api`, about whom the dialog shows. */
  async ask(method, path, body) {
    const { turn, name } = this;
    const told = await api(method, path, body).catch((error) => {
      if (this.turn === turn) throw error;
      if (method !== "GET") warn(`${name}: ${error.message}`);
      throw PAST;
    });
    if (method !== "GET") changed();
    if (this.turn !== turn) throw PAST;
    return told;
  }

  onSubmit(id, work) {
    at(id).addEventListener("submit", (event) => {
      event.preventDefault();
      this.try(work);
    });
  }

  async try(work) {
    at("person-problem").textContent = "";
    try {
      await work();
    } catch (error) {
      if (error !== PAST) at("person-problem").textContent = error.message;
    }
  }
}
