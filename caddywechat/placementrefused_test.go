package caddywechat

import (
	"testing"
)

func TestPlacement_Refused(t *testing.T) {
	t.Setenv("PLACEMENT_PREFIX", "/by-variable")
	t.Setenv("PLACEMENT_FOLDER", "/by-variable/*")
	for name, c := range map[string]struct {
		caddyfile string
		want      []string
	}{
		"in a folder": {aSite("handle /app/* {\n" + aGate + app + "}\nhandle {\nrespond 404\n}"), []string{
			"never gets its logins back", host + "/_wechat/callback", "handle /app/*", "wechat_auth /app/* { … }",
			"prefix /app/_wechat",
		}},
		"in the only folder": {aSite("handle /app/* {\n" + aGate + app + "}"), []string{
			"never gets its logins back", "handle /app/*", "route", "wechat_auth /app/* { … }", "prefix /app/_wechat",
		}},
		"in handle_path": {
			aSite("handle_path /app/* {\n" + aGate + app + "}"),
			[]string{
				"never gets its logins back", "handle_path /app/*", "wechat_auth /app/* { … }",
				"prefix /app/_wechat",
			},
		},
		"in a route of a folder": {
			aSite("route /app/* {\n" + aGate + app + "}"),
			[]string{"never gets its logins back", "/app/* (or route)", "prefix /app/_wechat"},
		},
		"in a folder within a folder": {aSite("handle /app/* {\nhandle /app/shop/* {\n" + aGate + app +
			"}\nhandle {\n" + app + "}\n}"), []string{
			"in handle /app/shop/*", "handle /app/* ", "wechat_auth /app/* { … }",
		}},
		"in a folder within route": {
			aSite("route {\nhandle /app/* {\n" + aGate + app + "}\n" + app + "}"),
			[]string{"never gets its logins back", "handle /app/*"},
		},
		"in a named matcher's paths": {
			aSite("@app path /app/* /shop/*\nhandle @app {\n" + aGate + app + "}"),
			[]string{"handle /app/* /shop/*", "prefix /app/_wechat"},
		},
		"in an expression's paths": {
			aSite("@app path_regexp ^/app/\nhandle @app {\n" + aGate + app + "}"),
			[]string{"never gets its logins back", "with a matcher"},
		},
		"in all but its prefix": {
			aSite("@app not path /_wechat/*\nhandle @app {\n" + aGate + app + "}"),
			[]string{"never gets its logins back", "with a matcher"},
		},
		"with another prefix": {
			aSite("handle /app/* {\nwechat_auth {\n" + anAccount + "prefix /auth\n}\n" + app + "}"),
			[]string{host + "/auth/callback", "handle /app/*"},
		},
		"with a prefix by variable": {
			aSite("handle /app/* {\nwechat_auth {\n" + anAccount + "prefix {env.PLACEMENT_PREFIX}\n}\n" + app + "}"),
			[]string{host + "/by-variable/callback"},
		},
		"in a variable's folder": {
			aSite("handle {$PLACEMENT_FOLDER} {\n" + aGate + app + "}"), []string{"handle /by-variable/*"},
		},
		"in a folder by placeholder": {
			aSite("@app path {env.PLACEMENT_FOLDER}\nhandle @app {\n" + aGate + app + "}"),
			[]string{"never gets its logins back"},
		},
		"in a folder of the site's address": {
			"http://" + host + "/app/* {\n" + aGate + app + "}",
			[]string{"the site " + host + "/app/*", "without a path", "prefix /app/_wechat"},
		},
		"in a file's ending": {
			aSite("@html path *.html\nhandle @html {\n" + aGate + app + "}"),
			[]string{"never gets its logins back", "handle *.html"},
		},
		"in a folder of POST": {
			aSite("@post method POST\nhandle @post {\n" + aGate + app + "}\nhandle {\n" + app + "}"),
			[]string{"never gets its logins back", "handle with a matcher"},
		},
		"in a folder of one of the hosts": {
			"http://*.example.com {\n@a host a.example.com\nhandle @a {\nhandle /app/* {\n" + aGate + app +
				"}\nhandle {\n" + app + "}\n}\n}",
			[]string{"a.example.com/_wechat/callback", "handle /app/*"},
		},
		"in a folder of a wildcard": {
			"http://*.example.com {\nhandle /app/* {\n" + aGate + app + "}\n}",
			[]string{"never gets its logins back", "handle /app/*"},
		},
		"in a folder without a host": {
			":8999 {\nhandle /app/* {\n" + aGate + app + "}\nhandle {\n" + app + "}\n}",
			[]string{"never gets its logins back", "handle /app/*"},
		},
		"in the second site": {
			"http://a.example.com {\n" + aGate + app + "}\nhttp://b.example.com {\nhandle /app/* {\n" + aGate +
				app + "}\n}",
			[]string{"b.example.com/_wechat/callback"},
		},
		"in the first site": {
			"http://a.example.com {\nhandle /app/* {\n" + aGate + app + "}\n}\nhttp://b.example.com {\n" +
				aGate + app + "}",
			[]string{"a.example.com/_wechat/callback"},
		},
		"on the first server": {
			"http://a.example.com:8081 {\nhandle /app/* {\n" + aGate + app + "}\n}\nhttp://b.example.com:8082 {\n" +
				aGate + app + "}",
			[]string{"a.example.com/_wechat/callback"},
		},
		"in a snippet": {
			"(auth) {\n" + aGate + "}\n" +
				aSite("handle /app/* {\nimport auth\n"+app+"}\nhandle /_wechat/ {\nimport auth\n}\nhandle {\n"+
					"respond 404\n}"),
			[]string{"never gets its logins back", "handle /app/*"},
		},
		"in a named route": {
			"&(auth) {\n" + aGate + "}\n" + aSite("handle /app/* {\ninvoke auth\n"+app+"}\nhandle {\n"+app+"}"),
			[]string{"never gets its logins back", "handle /app/*"},
		},
		"in a folder of a named route": {
			"&(shop) {\nhandle /app/* {\n" + aGate + app + "}\nhandle {\n" + app + "}\n}\n" + aSite("invoke shop"),
			[]string{"never gets its logins back", "handle /app/*"},
		},
		"with public_url": {
			aSite("handle /app/* {\nwechat_auth {\n" + anAccount + "public_url https://" + host + "\n}\n" + app + "}"),
			[]string{"never gets its logins back", "handle /app/*"},
		},
		"with its logins answered by the app": {
			aSite("handle /app/* {\n" + aGate + app + "}\nreverse_proxy 10.0.0.7:80"),
			[]string{"never gets its logins back"},
		},
		"with its logins answered before": {
			aSite("route {\nrespond /_wechat/* 404\n" + aGate + app + "}"),
			[]string{"never gets its logins back", "respond in front of it answers"},
		},
		"for programs": {
			aSite("handle /api/* {\n" + miniGate + app + "}"),
			[]string{"/_wechat/mini_program/login", "programs", "handle /api/*", "prefix /api/_wechat"},
		},
		"two in folders of their own": {
			aSite("handle /a/* {\n" + aGate + app + "}\nhandle /b/* {\n" + aGate + app + "}"),
			[]string{"never gets its logins back"},
		},
		"two, the other with another prefix": {
			aSite("handle /a/* {\n" + aGate + app + "}\nhandle {\nwechat_auth {\n" + anAccount +
				"prefix /auth\n}\n" + app + "}"),
			[]string{"never gets its logins back", "handle /a/*"},
		},
		"of a rule's paths": {
			aSite("handle /app/* {\nwechat_auth {\n" + anAccount + "optional /app/open/*\n}\n" + app + "}"),
			[]string{"never gets its logins back"},
		},

		"two in the site": {
			aSite(aGate + "wechat_auth /b/* {\n" + anAccount + "}\n" + app),
			[]string{"wechat_auth in the site", "wechat_auth /b/* in the site", "one wechat_auth", "login /b/*"},
		},
		"two by path in the site": {
			aSite("wechat_auth /a/* {\n" + anAccount + "}\nwechat_auth /b/* {\n" + anAccount + "}\n" + app),
			[]string{"both on the way", "rules"},
		},
		"one in the site and one in a folder": {aSite(aGate + "handle /app/* {\n" + aGate + app + "}\nhandle {\n" +
			app + "}"), []string{
			"wechat_auth in the site h5.example.com and wechat_auth in handle /app/*", host + "/app/any",
			"login /app/*", "prefix /app/_wechat",
		}},
		"one in the site and one in a folder with its prefix": {
			aSite(aGate + "handle /app/* {\nwechat_auth {\n" + anAccount + "prefix /app/_wechat\n}\n" + app + "}"),
			[]string{"both on the way"},
		},
		"one in the site and one in route": {
			aSite(aGate + "route {\nrespond /healthz 200\n" + aGate + app + "}"), []string{"both on the way"},
		},
		"two in route": {aSite("route {\n" + aGate + aGate + app + "}"), []string{"both on the way"}},
		"two with what passes on between": {
			aSite(aGate + "encode\nheader X-A b\nrequest_header X-B c\nroute {\n" + aGate + app + "}"),
			[]string{"both on the way"},
		},
		"two behind a redirect": {
			aSite("redir /old /new\n@http protocol http\nredir @http https://{host}{uri}\n" + aGate + "route {\n" +
				aGate + app + "}"),
			[]string{"both on the way"},
		},
		"two by a snippet": {
			"(auth) {\n" + aGate + "}\n" + aSite("import auth\nhandle /app/* {\nimport auth\n"+app+"}"),
			[]string{"both on the way"},
		},
		"two by a named route": {
			"&(auth) {\n" + aGate + "}\n" + aSite(aGate+"handle /app/* {\ninvoke auth\n"+app+"}"),
			[]string{"both on the way"},
		},
		"two on one of the hosts": {
			"http://a.example.com, http://b.example.com {\n" + aGate + "@b host b.example.com\nhandle @b {\n" + aGate +
				app + "}\nhandle {\n" + app + "}\n}",
			[]string{"both on the way of b.example.com"},
		},

		"behind a proxy in route": {
			aSite("route {\n" + app + aGate + "}"),
			[]string{"reverse_proxy answers every request", "wechat_auth in the site", "in front of reverse_proxy"},
		},
		"behind a proxy that sets headers in route": {
			aSite("route {\nreverse_proxy localhost:9 {\nheader_up X-A b\n}\n" + aGate + "}"),
			[]string{"reverse_proxy answers every request"},
		},
		"behind php_fastcgi in route": {
			aSite("route {\nphp_fastcgi localhost:9\n" + aGate + "file_server\n}"),
			[]string{"php_fastcgi answers every request"},
		},
		"behind php_fastcgi in handle": {
			aSite("route {\nhandle {\nphp_fastcgi localhost:9\n}\n" + aGate + "file_server\n}"),
			[]string{"php_fastcgi answers every request"},
		},
		"in a folder behind php_fastcgi": {
			aSite("route {\nphp_fastcgi localhost:9\nhandle /admin/* {\nwechat_auth {\n" + anAccount +
				"prefix /admin/_wechat\n}\n}\nfile_server\n}"),
			[]string{"php_fastcgi answers every request"},
		},
		"behind files in route": {
			aSite("route {\nfile_server\n" + aGate + app + "}"), []string{"file_server answers every request"},
		},
		"behind an answer in route": {
			aSite("route {\nrespond hello\n" + aGate + app + "}"), []string{"respond answers every request"},
		},
		"behind an error in route": {
			aSite("route {\nerror 503\n" + aGate + app + "}"), []string{"error answers every request"},
		},
		"behind an abort in route": {
			aSite("route {\nabort\n" + aGate + app + "}"), []string{"abort answers every request"},
		},
		"behind an answer to every path": {
			aSite("route {\nrespond /* hello\n" + aGate + app + "}"), []string{"respond answers every request"},
		},
		"behind handle blocks for all": {
			aSite("route {\nhandle /api/* {\n" + app + "}\nhandle {\nrespond hello\n}\n" + aGate + app + "}"),
			[]string{"respond answers every request"},
		},
		"in a handle block behind that of all": {
			aSite("route {\nhandle {\n" + app + "}\nhandle {\n" + aGate + app + "}\n}"),
			[]string{"reverse_proxy answers every request"},
		},
		"put too late by order": {
			"{\norder wechat_auth after reverse_proxy\n}\n" + aSite(aGate+app),
			[]string{"reverse_proxy answers every request"},
		},
		"behind an answer in a route of a folder": {
			aSite("handle /app/* {\nroute {\n" + app + "wechat_auth {\n" + anAccount +
				"prefix /app/_wechat\n}\n}\n}\nhandle {\n" + app + "}"),
			[]string{"reverse_proxy answers every request", "wechat_auth in handle /app/*"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := validate(t, c.caddyfile)
			wantError(t, err, c.want...)
			t.Log(err)
		})
	}
}
