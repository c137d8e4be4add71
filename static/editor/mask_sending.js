/** The mask as a file of the form that the editor stands in: put in just before the form is sent. */

export function createSending({ form, field, raster, keeping, isEmpty, onTrouble }) {
  let isFilling = false;
  let isFilled = false;
  /** The answer to "which part?" that means the mask, and what was chosen before it. */
  const choice = form.querySelector("[data-mask-choice]");
  let chosenBefore = null;

  // Before whatever else sends forms.
  addEventListener("submit", (event) => {
    const { target, submitter } = event;
    const method = submitter?.hasAttribute("formmethod") ? submitter.formMethod : form.method;
    if (target !== form || isFilled || method !== "post") return;
    if (isEmpty()) {
      leaveOut();
      if (saysPart()) return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (isEmpty()) onTrouble("Nothing is marked: paint over what should change, or say it in words.");
    else if (!isFilling) fillAndSend(submitter);
  }, true);

  function leaveOut() {
    field.value = "";
    if (choice?.checked && chosenBefore !== null) chosenBefore.checked = true;
  }

  /** Whether an area is chosen in figures; who is here to paint does not mean the whole picture by not having painted. */
  function saysPart() {
    return choice === null || form.querySelector(`[name="${choice.name}"]:checked`)?.value !== "whole";
  }

  async function fillAndSend(submitter) {
    isFilling = true;
    try {
      const files = new DataTransfer();
      files.items.add(new File([await raster.toPng()], "mask.png", { type: "image/png" }));
      field.files = files.files;
      choose();
      isFilled = true;
      form.requestSubmit(submitter);
    } finally {
      isFilling = isFilled = false;
    }
  }

  function choose() {
    // What is painted is meant as it is, whatever else was said for an area in figures.
    for (const box of form.querySelectorAll("[name=invert]")) box.checked = false;
    if (choice === null || choice.checked) return;
    chosenBefore = form.querySelector(`[name="${choice.name}"]:checked`);
    choice.checked = true;
  }

  addEventListener("submit", (event) => {
    if (event.target === form && isFilled && !event.defaultPrevented) keeping.setAside();
  });
  addEventListener("htmx:after:request", ({ target, detail: { ctx } }) => {
    if (target === form && ctx.response?.status === 201) keeping.forget();
  });

  return {
    send() {
      const button = form.querySelector("[type=submit].primary") ?? form.querySelector("[type=submit]");
      if (button?.disabled !== true) form.requestSubmit(button);
    },
  };
}
