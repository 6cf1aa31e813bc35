
// What stands behind # never reaches a server, so it is put into the address of the login, to come back with it. An
// address without one gets a bare #, or else it would come back with the #wechat_redirect of WeChat's own address.
location.replace(document.querySelector("a.button").href + encodeURIComponent(location.hash || "#"));
