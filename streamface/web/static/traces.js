import { api, at, changed, made, say } from "./common.js";

const AGAIN_MS = 400;
const WORDS = {
  people: "files of the folder of people",
  counters: "counter-examples for others",
  events: "files of events",
  pictures: "pictures",
  strangers: "records as a stranger",
  rows: "rows of events and visits",
  snapshots: "pictures of the cameras",
};

/** The part of a person's dialog that exports everything, or deletes every trace. */
export class Traces {
  /** onBusy: told when nothing else may be done with the person, true, and when it may again. */
  constructor(onBusy) {
    this.onBusy = onBusy;
    at("person-export").onclick = () => this.run("export");
    at("person-erase").onclick = () => this.ask(at("person-erasing").hidden);
    at("person-keep").onclick = () => this.ask(false);
    at("person-erasing-name").addEventListener("input", () => this.check());
    at("person-erasing").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.isSure) this.run("erasure", { name: this.name });
    });
  }

  /** Begin with somebody; what was going on for another one is no longer shown. */
  open(name) {
    this.name = name;
    this.turn = Symbol(name);
    this.ask(false, false);
    at("person-task").hidden = true;
    at("person-erasing-ask").textContent = `To delete everything about ${name} for good, type the name`;
    this.busy(false);
  }

  get isSure() {
    return at("person-erasing-name").value.trim() === this.name;
  }

  ask(show, focus = true) {
    at("person-erasing").hidden = !show;
    at("person-erasing").reset();
    at("person-erase").setAttribute("aria-expanded", String(show));
    this.check();
    if (focus) at(show ? "person-erasing-name" : "person-erase").focus();
  }

  check() {
    at("person-erase-now").disabled = !this.isSure;
  }

  async run(kind, body) {
    const { name, turn } = this;
    const erases = kind === "erasure";
    this.isGone = false;
    this.ask(false, false);
    this.busy(true);
    try {
      let task = await api("POST", `/api/people/${encodeURIComponent(name)}/${kind}`, body);
      while (task.state === "running") {
        if (this.turn === turn) this.show(erases ? "Deleting" : "Collecting", task);
        await new Promise((then) => setTimeout(then, AGAIN_MS));
        task = await api("GET", `/api/tasks/${task.id}`);
      }
      if (erases) changed();
      if (task.state === "failed") throw new Error(task.problem);
      if (this.turn !== turn) return;
      if (erases) this.erased(task);
      else this.exported(task);
    } catch (error) {
      if (this.turn === turn) this.tell(error.message, {}, false);
    }
    if (this.turn === turn) this.busy(false, erases && this.isGone);
  }

  busy(is, gone = false) {
    for (const id of ["person-export", "person-erase"]) at(id).disabled = is || gone;
    this.onBusy(is || gone, gone);
  }

  show(doing, { looked_at: done, pictures }) {
    this.tell(pictures ? `${doing}: ${done} of ${pictures} pictures looked through` : `${doing}…`, {}, true);
    const bar = at("person-task-bar");
    if (pictures) [bar.max, bar.value] = [pictures, done];
    else bar.removeAttribute("value");
  }

  exported(task) {
    this.tell("Everything is in one archive. Keep it safe.", task.found, false, task.unsearched);
    const address = `/api/tasks/${task.id}/archive.zip`;
    const link = made("a", { href: address, download: "", textContent: "Save the archive" });
    at("person-task-found").prepend(made("li", {}, link));
    link.click();
    say("The archive is being saved.");
  }

  erased(task) {
    const left = Object.fromEntries(Object.entries(task.left).filter(([, count]) => count));
    this.isGone = Object.keys(left).length === 0;
    const text = this.isGone ? `Every trace of ${this.name} is deleted. Looked again: nothing is left.` : "Looked again: something is left.";
    this.tell(text, this.isGone ? task.found : left, false, task.unsearched, this.isGone ? " deleted" : " left");
  }

  tell(text, counts, waits, unsearched = 0, word = "") {
    at("person-task").hidden = false;
    at("person-task-bar").hidden = !waits;
    if (at("person-task-text").textContent !== text) at("person-task-text").textContent = text;
    const lines = Object.entries(counts).filter(([kind, count]) => count && !kind.includes("."))
      .map(([kind, count]) => `${WORDS[kind] ?? kind}${word}: ${count}`);
    if (unsearched) lines.push("Recordings were not looked through: delete them by time.");
    at("person-task-found").replaceChildren(...lines.map((line) => made("li", { textContent: line })));
  }
}
