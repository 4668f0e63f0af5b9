// The text lives here between two savings: one keystroke is no message to the server. Files go up by POST, never through the circuit.
export function begin(area, picker, owner, token, focusText) {
  let version = 0;
  area.addEventListener("input", () => { version++; });
  if (focusText) {
    area.focus();
    area.setSelectionRange(0, 0);
    area.scrollTop = 0;
  }

  const upload = file => new Promise(done => {
    const request = new XMLHttpRequest();
    let shown = 0;
    const fail = message => owner.invokeMethodAsync("FailUpload", file.name, message).finally(done);
    request.open("POST", "/mail/uploads");
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
    request.setRequestHeader("RequestVerificationToken", token ?? "");
    request.upload.onprogress = e => {
      const percent = Math.floor(e.loaded * 100 / e.total);
      if (percent < shown + 5) return;
      shown = percent;
      owner.invokeMethodAsync("ShowProgress", file.name, percent);
    };
    request.onerror = () => fail(null);
    request.onload = () => {
      let answer = null;
      try { answer = JSON.parse(request.responseText); } catch { /* a proxy's page, not ours */ }
      if (request.status === 200 && answer) owner.invokeMethodAsync("AddUpload", file.name, answer).finally(done);
      else fail(answer?.message ?? null);
    };
    request.send(file);
  });

  const take = async files => {
    for (const file of files) if (await owner.invokeMethodAsync("AdmitUpload", file.name, file.size)) await upload(file);
  };
  picker.addEventListener("change", () => { const files = [...picker.files]; picker.value = ""; take(files); });
  area.addEventListener("dragover", e => { if (e.dataTransfer?.types.includes("Files")) e.preventDefault(); });
  area.addEventListener("drop", e => { if (e.dataTransfer?.files.length) { e.preventDefault(); take([...e.dataTransfer.files]); } });

  return {
    version: () => version,
    text: () => new TextEncoder().encode(`=${area.value}`),   // Blazor streams what is asked for as a stream, but never an empty one
    // A reload takes the draft up again.
    address: begin => {
      const url = new URL(location.href);
      if (!url.searchParams.has("compose")) return;
      url.searchParams.set("compose", begin);
      history.replaceState(history.state, "", url);
    },
  };
}
