import { api, say } from "./common.js";
import { Camera } from "./camera.js";
import { People } from "./people.js";

const people = new People(document.querySelector("#people"), document.querySelector("#nobody"));
const cameras = [];

function choose(labels) {
  for (const camera of cameras) camera.show(labels);
}

async function start() {
  const session = await api("GET", "/api/session");
  const signOut = document.querySelector("#sign-out");
  signOut.hidden = !session.password;
  signOut.addEventListener("click", async () => {
    await api("DELETE", "/api/session");
    location.assign("/login");
  });
  const chosen = localStorage.getItem("labels") ?? "page";
  for (const radio of document.querySelectorAll("input[name=labels]")) {
    radio.checked = radio.value === chosen;
    radio.addEventListener("change", () => {
      localStorage.setItem("labels", radio.value);
      choose(radio.value);
    });
  }
  for (const { camera } of await api("GET", "/api/cameras")) {
    cameras.push(new Camera(camera, document.querySelector("#cameras"), (faces, canvas) => people.update(camera, faces, canvas)));
  }
  document.querySelector("#cameras").classList.toggle("one", cameras.length === 1);
  choose(chosen);
}

start().catch((error) => say(error.message));
