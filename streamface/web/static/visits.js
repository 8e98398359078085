import { api, at, changed, clock, fromTemplate, made, Newest, say, span, twice, warn } from "./common.js";

const AGAIN_MS = 10000;

/** The latest visits, by person, camera and time. */
export class Visits {
  constructor() {
    this.list = at("visit-list");
    this.form = at("visits-filter");
    this.newest = new Newest();
    this.form.addEventListener("change", () => this.load());
    this.form.addEventListener("reset", () => setTimeout(() => this.load()));
    this.form.addEventListener("submit", (event) => event.preventDefault());
    at("more-visits").onclick = () => this.older();
    document.addEventListener("people-changed", () => this.load());
    setInterval(() => this.refresh(), AGAIN_MS);
    this.load();
  }

  query() {
    const { person, camera, after, before } = this.form.elements;
    const query = new URLSearchParams();
    if (person.value === "unknown") query.set("unknown", "true");
    else if (person.value) query.set("person", person.value.slice(1));
    if (camera.value) query.set("camera", camera.value);
    if (after.value) query.set("after", new Date(after.value).toISOString());
    if (before.value) query.set("before", new Date(before.value).toISOString());
    return query;
  }

  /** Ask anew while nobody waits, has gone back in time, or stands in the list. */
  refresh() {
    const isBusy = this.newest.isAwaited || this.wentBack || this.list.contains(document.activeElement);
    if (!document.hidden && !isBusy) this.load(() => !this.wentBack && !this.list.contains(document.activeElement));
  }

  /** isWanted: asked once the answer is there, since meanwhile somebody may have come into the list. */
  async load(isWanted = () => true) {
    this.wentBack = false;
    try {
      const visits = await this.newest.of(this.names().then(() => api("GET", `/api/visits?${this.query()}`)));
      if (!visits || !isWanted()) return;
      this.form.hidden = false;
      this.shown(visits, false);
    } catch (error) {
      at("no-visits").textContent = error.message;
      this.form.hidden = this.list.childElementCount === 0 && !this.last;
    }
  }

  async older() {
    this.wentBack = true;
    const query = this.query();
    query.set("older_than", this.last);
    try {
      const visits = await this.newest.of(api("GET", `/api/visits?${query}`));
      if (visits) this.shown(visits, true);
    } catch (error) {
      this.wentBack = false;
      warn(`Older visits: ${error.message}`);
    }
  }

  async names() {
    const { people, cameras } = await api("GET", "/api/visits/names");
    fill(at("visit-person"), 2, people.map((name) => [`=${name}`, name]));
    fill(at("visit-camera"), 1, cameras.map((name) => [name, name]));
  }

  shown(visits, more) {
    const items = visits.map((visit) => this.item(visit));
    if (more) this.list.append(...items);
    else this.list.replaceChildren(...items);
    this.last = visits.at(-1)?.id ?? this.last;
    at("more-visits").hidden = visits.length < 50;
    at("no-visits").textContent = this.list.childElementCount ? "" : "No visits.";
  }

  item(visit) {
    const item = fromTemplate("visit");
    const name = visit.person ?? (visit.stranger ? `stranger ${visit.stranger}` : "unknown");
    const [start, end] = [Date.parse(visit.started_at) / 1000, Date.parse(visit.ended_at) / 1000];
    item.dataset.visit = visit.id;
    item.classList.add(visit.person ? "known" : "unknown");
    item.querySelector(".name").textContent = name;
    item.querySelector(".more").textContent = `${visit.camera} · ${clock(start)}, ${visit.over ? span(end - start) : "still there"}`;
    const shot = item.querySelector(".shot");
    if (visit.picture) shot.append(made("img", { src: `/api/visits/${visit.id}/picture.jpg`, alt: `${name}, best picture`, loading: "lazy" }));
    else shot.textContent = "no picture";
    if (visit.person && visit.picture) item.querySelector(".buttons").append(this.denial(visit));
    else item.querySelector(".buttons").remove();
    return item;
  }

  denial(visit) {
    const button = made("button", { textContent: `Not ${visit.person}` });
    twice(button, `Really not ${visit.person}`, async () => {
      button.disabled = true;
      button.textContent = "Keeping the picture…";
      try {
        await api("POST", `/api/people/${encodeURIComponent(visit.person)}/not`, { visit: visit.id });
        say(`The picture is kept: this is not ${visit.person}.`);
        button.textContent = `Kept: not ${visit.person}`;
        changed();
      } catch (error) {
        button.disabled = false;
        say(error.message);
        button.textContent = error.message;
      }
    });
    return button;
  }
}

/** Put choices behind the first `kept` ones, and leave what is chosen. */
function fill(select, kept, choices) {
  const wanted = choices.map(([value]) => value).join("\n");
  if (select.dataset.choices === wanted) return;
  select.dataset.choices = wanted;
  const chosen = select.value;
  while (select.options.length > kept) select.remove(kept);
  for (const [value, textContent] of choices) select.append(made("option", { value, textContent }));
  select.value = chosen;
  if (select.selectedIndex < 0) select.value = "";
}
