// Copies a box of commands. Without it they can still be selected.
document.querySelectorAll("button").forEach(function (button) {
  var pre = button.parentNode.querySelector("pre");
  function said() {
    var before = button.dataset.copy;
    button.textContent = button.dataset.copied;
    document.querySelector("[role=status]").textContent = button.dataset.copied;
    setTimeout(function () {
      button.textContent = before;
      document.querySelector("[role=status]").textContent = "";
    }, 2000);
  }
  function select() {
    getSelection().selectAllChildren(pre);
    if (document.execCommand("copy")) said();
  }
  button.hidden = false;
  button.addEventListener("click", function () {
    if (!navigator.clipboard) return select();
    navigator.clipboard.writeText(pre.textContent).then(said, select);
  });
});
