import { api, at, say } from "./common.js";
import { Camera } from "./camera.js";
import { Enrol } from "./enrol.js";
import { Known } from "./known.js";
import { Now } from "./now.js";
import { Person } from "./person.js";
import { Strangers } from "./strangers.js";
import { Visits } from "./visits.js";

const cameras = new Map();
const person = new Person();
const enrol = new Enrol();

/** Somebody in a picture or in the list was chosen. */
function open(camera, face) {
  if (face.identity) person.open(face.identity);
  else enrol.open(camera, face.track);
}

function choose(labels) {
  for (const camera of cameras.values()) camera.show(labels);
}

function chooseLabels() {
  const chosen = localStorage.getItem("labels") ?? "page";
  for (const radio of document.querySelectorAll("input[name=labels]")) {
    radio.checked = radio.value === chosen;
    radio.addEventListener("change", () => {
      localStorage.setItem("labels", radio.value);
      choose(radio.value);
    });
  }
  choose(chosen);
}

async function start() {
  const session = await api("GET", "/api/session");
  at("sign-out").hidden = !session.password;
  at("sign-out").addEventListener("click", async () => {
    await api("DELETE", "/api/session");
    location.assign("/login");
  });
  const now = new Now(open);
  for (const { camera } of await api("GET", "/api/cameras")) {
    const seen = (...picture) => {
      now.update(camera, ...picture);
      enrol.update(camera, ...picture);
    };
    cameras.set(camera, new Camera(camera, at("cameras"), seen, (face) => open(camera, face)));
  }
  at("cameras").classList.toggle("one", cameras.size === 1);
  chooseLabels();
  new Visits();
  new Known(person);
  new Strangers();
}

start().catch((error) => say(error.message));
