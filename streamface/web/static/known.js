import { api, at, made, Newest } from "./common.js";

const PAUSE_MS = 250;

/** The list of everybody who is known. */
export class Known {
  constructor(person) {
    this.person = person;
    this.list = at("people-list");
    this.newest = new Newest();
    at("people-search").addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.load(), PAUSE_MS);
    });
    at("add-person").onclick = () => person.openNew();
    document.addEventListener("people-changed", () => this.load());
    this.load();
  }

  async load() {
    try {
      const search = at("people-search").value.trim();
      const people = await this.newest.of(api("GET", `/api/people?search=${encodeURIComponent(search)}`));
      if (!people) return;
      at("add-person").hidden = false;
      this.list.replaceChildren(...people.map((one) => this.item(one)));
      at("no-people").textContent = people.length ? "" : search ? "Nobody of that name." : "Nobody yet: click a face in a picture.";
      if (!search) at("known-names").replaceChildren(...people.map(({ name }) => made("option", { value: name })));
    } catch (error) {
      this.list.replaceChildren();
      at("no-people").textContent = error.message;
      at("add-person").hidden = true;
    }
  }

  item({ name, pictures, counter_examples: counters }) {
    const shot = made("div", { className: "shot" });
    this.thumbnail(name, shot);
    const count = `${pictures} picture${pictures === 1 ? "" : "s"}${counters ? `, ${counters} not` : ""}`;
    const about = made("div", { className: "about" }, made("strong", { className: "name", textContent: name }), made("span", { className: "more", textContent: count }));
    const button = made("button", { onclick: () => this.person.open(name) }, shot, about);
    const item = made("li", { className: "card known" }, button);
    item.dataset.person = name;
    return item;
  }

  /** The first picture, once the entry can be seen: a large folder is not asked for as a whole. */
  thumbnail(name, shot) {
    new IntersectionObserver(async (entries, observer) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      const person = `/api/people/${encodeURIComponent(name)}`;
      const { pictures } = await api("GET", person).catch(() => ({ pictures: [] }));
      const first = pictures.find((picture) => picture.has_picture);
      if (first) shot.append(made("img", { src: `${person}/pictures/${first.key}.jpg`, alt: "" }));
    }).observe(shot);
  }
}
