const form = document.querySelector("#sign-in"), problem = document.querySelector("#problem");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.textContent = "";
  const answer = await fetch("/api/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ password: form.password.value }),
  });
  if (answer.ok) {
    const next = new URLSearchParams(location.search).get("next") ?? "/";
    location.replace(/^\/(?![/\\])/.test(next) ? next : "/"); // a path of this site only
  } else {
    problem.textContent = (await answer.json()).detail;
    form.password.select();
  }
});
