
// What stands behind # never reaches a server, so it is put into the address of the login, to come back with it.
location.replace(document.querySelector("a.button").href + encodeURIComponent(location.hash));
