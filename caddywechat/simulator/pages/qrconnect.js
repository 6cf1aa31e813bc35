(function () {
  var main = document.querySelector("main");
  var said = main.dataset;
  var failures = 0;

  function goBack(code) {
    var parameters = (code ? "code=" + code + "&" : "") + "state=" + said.state;
    location.replace(said.before + parameters + said.after);
  }

  function take(status, code) {
    if (status !== 408) said.status = status;
    if (status === 405) goBack(code);
    else if (status === 403) goBack("");
    else if (status !== 402) poll();
  }

  // Who asks again right after a failure only adds to it.
  function retry() {
    failures++;
    if (failures > 5) said.status = 402;
    else setTimeout(poll, failures * 1000);
  }

  function poll() {
    var address = said.poll + (said.status === "404" ? "&last=404" : "") + "&_=" + Date.now();
    fetch(address).then(function (answer) { return answer.text(); }).then(function (text) {
      var found = /^window\.wx_errcode=(\d+);window\.wx_code='(\w*)';$/.exec(text);
      if (!found) return retry();
      failures = 0;
      take(Number(found[1]), found[2]);
    }, retry);
  }

  poll();
})();
