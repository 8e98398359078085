import { api, at, changed, clock, made, Newest, say, twice, UNNAMED, warn } from "./common.js";

const AGAIN_MS = 15000;

/** Those who came several times and have no name. */
export class Strangers {
  constructor() {
    this.dialog = at("naming");
    this.newest = new Newest();
    at("naming-cancel").onclick = () => this.dialog.close();
    at("naming-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    document.addEventListener("people-changed", () => this.load());
    const isFree = () => !document.hidden && !at("stranger-list").contains(document.activeElement);
    setInterval(() => isFree() && this.load(isFree), AGAIN_MS);
    this.load();
  }

  /** isWanted: asked once the answer is there, since meanwhile somebody may have come into the list. */
  async load(isWanted = () => true) {
    try {
      const told = await this.newest.of(api("GET", "/api/strangers"));
      if (!told || !isWanted()) return;
      const { strangers } = told;
      at("strangers").hidden = strangers.length === 0;
      at("stranger-list").replaceChildren(...strangers.map((one) => this.item(one)));
    } catch (error) {
      at("strangers").hidden = true;
    }
  }

  item(one) {
    const name = `Stranger ${one.number}`;
    const picture = one.has_picture
      ? made("img", { src: `/api/strangers/${one.number}/picture.jpg`, alt: name, loading: "lazy" })
      : made("div", { className: "shot" });
    const like = one.likeness ? ` · ${one.likeness.is_same ? "looks like" : "close to"} ${one.likeness.person ?? UNNAMED}` : "";
    const more = `${one.visits} visits, last ${clock(one.last_seen)}${like}`;
    const about = made("div", { className: "about" }, made("strong", { className: "name", textContent: name }), made("span", { className: "more", textContent: more }));
    const give = made("button", { textContent: "Give a name", onclick: () => this.open(one) });
    give.setAttribute("aria-label", `Give a name to stranger ${one.number}`);
    const forget = made("button", { textContent: "Forget" });
    forget.setAttribute("aria-label", `Forget stranger ${one.number}`);
    twice(forget, "Really forget", () => this.forget(one.number));
    const item = made("li", { className: "unknown" }, picture, about, made("div", { className: "buttons" }, give, forget));
    item.dataset.stranger = one.number;
    return item;
  }

  open(one) {
    this.number = one.number;
    at("naming-title").textContent = `Who is stranger ${one.number}?`;
    at("naming-form").reset();
    at("naming-problem").textContent = "";
    if (one.likeness?.is_same) at("naming-name").value = one.likeness.person ?? "";
    this.dialog.showModal();
  }

  async save() {
    const { number } = this;
    try {
      const saved = await api("POST", `/api/strangers/${number}/name`, { name: at("naming-name").value });
      say(`Stranger ${number} is ${saved.name} from now on.`);
      if (this.number === number) this.dialog.close();
      changed();
    } catch (error) {
      if (this.number === number) at("naming-problem").textContent = error.message;
      else warn(`Stranger ${number}: ${error.message}`);
    }
  }

  async forget(number) {
    try {
      await api("DELETE", `/api/strangers/${number}`);
    } catch (error) {
      warn(`Stranger ${number}: ${error.message}`);
    }
    this.load();
  }
}
