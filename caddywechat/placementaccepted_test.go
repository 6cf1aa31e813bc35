package caddywechat

import (
	"testing"
)

// What stands for a gate in the sites below, and for options of it.
const (
	aGate     = "wechat_auth {\n" + anAccount + "}\n"
	miniGate  = "wechat_auth {\nmini_program wx2123456789abcdef 0123456789abcdef0123456789abcdef\n}\n"
	inSession = "session {\nkey " + sessionKey + "\ndomain example.com\n}\n"
	app       = "reverse_proxy localhost:9\n"
)

func TestPlacement_Accepted(t *testing.T) {
	for name, caddyfile := range map[string]string{
		"in the site":                         aSite(aGate + app),
		"with a matcher":                      aSite("wechat_auth /app/* {\n" + anAccount + "}\n" + app),
		"in front of handle blocks":           aSite(aGate + "handle /api/* {\n" + app + "}\nhandle {\nfile_server\n}"),
		"in the handle block of all the rest": aSite("handle /api/* {\n" + app + "}\nhandle {\n" + aGate + app + "}"),
		"in route":                            aSite("route {\n" + aGate + app + "}"),
		"in route behind what has a matcher":  aSite("route {\nrespond /healthz 200\n" + aGate + app + "}"),
		"behind a proxy with a matcher":       aSite("route {\nreverse_proxy /api/* localhost:9\n" + aGate + app + "}"),
		"behind a named matcher": aSite("@bot header User-Agent *bot*\nroute {\nrespond @bot 403\n" +
			aGate + app + "}"),
		"behind php_fastcgi of a folder": aSite("route {\nphp_fastcgi /blog/* localhost:9\n" + aGate + app + "}"),
		"behind php_fastcgi without its index": aSite("route {\nphp_fastcgi localhost:9 {\n" +
			"try_files {path} {path}/x.html\n}\n" + aGate + app + "}"),
		"before php_fastcgi":        aSite("route {\n" + aGate + "php_fastcgi localhost:9\nfile_server\n}"),
		"beside php_fastcgi":        aSite(aGate + "php_fastcgi localhost:9\nfile_server"),
		"behind files that pass on": aSite("route {\nfile_server {\npass_thru\n}\n" + aGate + app + "}"),
		"behind forward_auth":       aSite("route {\nforward_auth localhost:9 {\nuri /auth\n}\n" + aGate + app + "}"),
		"behind basic_auth": aSite("route {\nbasic_auth {\n" +
			"bob $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG\n}\n" + aGate + app + "}"),
		"behind hints":    aSite("route {\nrespond 103\n" + aGate + app + "}"),
		"behind rewrites": aSite("route {\nuri strip_prefix /x\nrewrite /old /new\n" + aGate + app + "}"),
		"in a site that only redirects": aSite("redir https://h5.example.org{uri}\n" +
			"wechat_verify MP_verify_iwu2jY0FNdXA7RGa.txt\n" + aGate),
		"in route behind a redirect": aSite("route {\nredir https://h5.example.org{uri}\n" + aGate + "}"),
		"in a folder with its prefix": aSite("handle /app/* {\nwechat_auth {\n" + anAccount +
			"prefix /app/_wechat\n}\n" + app + "}\nhandle {\nrespond 404\n}"),
		"in handle_path with its prefix": aSite("handle_path /app/* {\nwechat_auth {\n" + anAccount +
			"prefix /app/_wechat\n}\n" + app + "}"),
		"in a folder in upper case": aSite("handle /APP/* {\nwechat_auth {\n" + anAccount +
			"prefix /app/_wechat\n}\n" + app + "}"),
		"in a matcher of two folders": aSite("@app path /app/* /_wechat/*\nhandle @app {\n" + aGate + app +
			"}\nhandle {\nrespond 404\n}"),
		"in a matcher of all but a folder": aSite("@app not path /api/*\nhandle @app {\n" + aGate + app + "}\n" + app),
		"in a matcher of two expressions": aSite("@app path_regexp ^/(app|_wechat)/\nhandle @app {\n" +
			aGate + app + "}"),
		"in a matcher that nobody knows": aSite("@app `path('/app/*')`\nhandle @app {\n" + aGate + app + "}"),
		"in a matcher by variable":       aSite("@app path {env.FOLDER_OF_APP}\nhandle @app {\n" + aGate + app + "}"),
		"two, each in its folder": aSite("handle /a/* {\nwechat_auth {\n" + anAccount + "prefix /a/_wechat\n}\n" + app +
			"}\nhandle /b/* {\nwechat_auth {\n" + anAccount + "prefix /b/_wechat\n}\n" + app + "}"),
		"two, one of them for the rest": aSite("handle /a/* {\nwechat_auth {\n" + anAccount + "prefix /a/_wechat\n}\n" +
			app + "}\nhandle {\n" + aGate + app + "}"),
		"a snippet in two folders": "(auth) {\n" + aGate + "}\n" +
			aSite("handle /app/* {\nimport auth\n"+app+"}\nhandle /_wechat/* {\nimport auth\n}\nhandle {\n"+
				"respond 404\n}"),
		"a named route in two folders": "&(auth) {\n" + aGate + "}\n" +
			aSite("handle /app/* {\ninvoke auth\n"+app+"}\nhandle /_wechat/* {\ninvoke auth\n}\nhandle {\n"+
				"respond 404\n}"),
		"a named route": "&(auth) {\n" + aGate + "}\n" + aSite("invoke auth\n"+app),
		"a named route behind another": "&(open) {\nrespond /healthz 200\n}\n&(auth) {\ninvoke open\n" + aGate + "}\n" +
			aSite("invoke auth\n"+app),
		"several sites": "http://a.example.com {\n" + aGate + app + "}\nhttp://b.example.com {\n" + aGate + app + "}\n",
		"a site beside its wildcard": "http://*.example.com {\n" + aGate + app +
			"}\nhttp://b.example.com {\nrespond b\n}\n",
		"hosts of a wildcard": "http://*.example.com {\n@a host a.example.com\nhandle @a {\n" + aGate + app +
			"}\n@b host b.example.com\nhandle @b {\nrespond b\n}\nhandle {\nabort\n}\n}",
		"two hosts of a wildcard": "http://*.example.com {\n@a host a.example.com\n@b host b.example.com\n" +
			"handle @a {\n" + aGate + app + "}\nhandle @b {\n" + aGate + app + "}\n}",
		"no host":              ":8999 {\n" + aGate + app + "}",
		"on https":             "https://" + host + " {\ntls internal\n" + aGate + app + "}",
		"behind an error":      aSite("error /private/* 404\n" + aGate + app + "handle_errors {\nrespond sorry\n}"),
		"and again for errors": aSite(aGate + app + "handle_errors {\n" + aGate + "respond sorry\n}"),
		"for errors only":      aSite(app + "handle_errors {\n" + aGate + "respond sorry\n}"),
		"with a session of a domain": aSite("handle /app/* {\nwechat_auth {\n" + anAccount + inSession +
			"}\n" + app + "}"),
		"that asks nobody": aSite("handle /blog/* {\nwechat_auth {\n" + anAccount + "optional *\n}\n" + app + "}"),
		"for programs": aSite("@api path /api/* /_wechat/mini_program/*\nhandle @api {\n" +
			miniGate + app + "}"),
		"for the JS-SDK only": aSite("handle /_wechat/jssdk {\n" + aGate + "}\nhandle {\n" + app + "}"),
		"with its logins elsewhere": aSite("handle /app/* {\n" + aGate + app +
			"}\nhandle /_wechat/* {\nreverse_proxy 10.0.0.7:80\n}\nhandle {\n" + app + "}"),
		"with its logins on another port": "http://" + host + ":8081 {\nhandle /app/* {\n" + aGate + app +
			"}\n}\nhttp://" + host + ":8082 {\nhandle /_wechat/* {\n" + aGate + "}\n}",
		"with public_url of another host": aSite("handle /app/* {\nwechat_auth {\n" + anAccount +
			"public_url https://h5.example.org\n}\n" + app + "}"),
		"two, where only a request tells": aSite(aGate + "@vip header X-Vip 1\nhandle @vip {\n" + aGate + app +
			"}\n" + app),
		"two, by method": aSite("@get method GET\nhandle @get {\n" + aGate + app + "}\nhandle {\n" + aGate + app + "}"),
		"behind a matcher of all, by an expression": aSite("@all expression true\nroute {\nrespond @all x\n" +
			aGate + "}"),
		"in a folder of the site's address": "http://" + host + "/app/* {\nwechat_auth {\n" + anAccount +
			"prefix /app/_wechat\n}\n" + app + "}",
		"put late by order": "{\norder wechat_auth before reverse_proxy\n}\n" +
			aSite("respond /healthz 200\n"+aGate+app),
	} {
		t.Run(name, func(t *testing.T) {
			if err := validate(t, caddyfile); err != nil {
				t.Error(err)
			}
		})
	}
}
