
(function () {
  var button = document.getElementById("copy");
  var address = document.getElementById("address");
  var label = button.textContent;

  function say(words) {
    button.textContent = words;
    setTimeout(function () { button.textContent = label; }, 2500);
  }

  // Pages without https have no clipboard, and a visitor may refuse it. The selection stays, to be copied by hand.
  function copySelection() {
    window.getSelection().selectAllChildren(address);
    say(document.execCommand("copy") ? button.dataset.copied : button.dataset.failed);
  }

  button.addEventListener("click", function () {
    if (!navigator.clipboard) return copySelection();
    navigator.clipboard.writeText(address.textContent).then(function () { say(button.dataset.copied); }, copySelection);
  });
  button.hidden = false;
})();
