package caddywechat

import (
	"strings"
	"testing"
)

// What stands for a gate in the sites below, and for options of it.
const (
	gate      = "wechat_auth {\n" + anAccount + "}\n"
	miniGate  = "wechat_auth {\nmini_program wx2123456789abcdef 0123456789abcdef0123456789abcdef\n}\n"
	inSession = "session {\nkey " + sessionKey + "\ndomain example.com\n}\n"
	app       = "reverse_proxy localhost:9\n"
)

func site(directives string) string { return "http://" + host + " {\n" + directives + "\n}\n" }

func TestGatesThatCanWork(t *testing.T) {
	for name, caddyfile := range map[string]string{
		"in the site":                          site(gate + app),
		"with a matcher":                       site("wechat_auth /app/* {\n" + anAccount + "}\n" + app),
		"in front of handle blocks":            site(gate + "handle /api/* {\n" + app + "}\nhandle {\nfile_server\n}"),
		"in the handle block of all the rest":  site("handle /api/* {\n" + app + "}\nhandle {\n" + gate + app + "}"),
		"in route":                             site("route {\n" + gate + app + "}"),
		"in route behind what has a matcher":   site("route {\nrespond /healthz 200\n" + gate + app + "}"),
		"behind a proxy with a matcher":        site("route {\nreverse_proxy /api/* localhost:9\n" + gate + app + "}"),
		"behind a named matcher":               site("@bot header User-Agent *bot*\nroute {\nrespond @bot 403\n" + gate + app + "}"),
		"behind php_fastcgi of a folder":       site("route {\nphp_fastcgi /blog/* localhost:9\n" + gate + app + "}"),
		"behind php_fastcgi without its index": site("route {\nphp_fastcgi localhost:9 {\ntry_files {path} {path}/x.html\n}\n" + gate + app + "}"),
		"before php_fastcgi":                   site("route {\n" + gate + "php_fastcgi localhost:9\nfile_server\n}"),
		"beside php_fastcgi":                   site(gate + "php_fastcgi localhost:9\nfile_server"),
		"behind files that pass on":            site("route {\nfile_server {\npass_thru\n}\n" + gate + app + "}"),
		"behind forward_auth":                  site("route {\nforward_auth localhost:9 {\nuri /auth\n}\n" + gate + app + "}"),
		"behind basic_auth":                    site("route {\nbasic_auth {\nbob $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG\n}\n" + gate + app + "}"),
		"behind hints":                         site("route {\nrespond 103\n" + gate + app + "}"),
		"behind rewrites":                      site("route {\nuri strip_prefix /x\nrewrite /old /new\n" + gate + app + "}"),
		"in a site that only redirects":        site("redir https://h5.example.org{uri}\nwechat_verify MP_verify_iwu2jY0FNdXA7RGa.txt\n" + gate),
		"in route behind a redirect":           site("route {\nredir https://h5.example.org{uri}\n" + gate + "}"),
		"in a folder with its prefix":          site("handle /app/* {\nwechat_auth {\n" + anAccount + "prefix /app/_wechat\n}\n" + app + "}\nhandle {\nrespond 404\n}"),
		"in handle_path with its prefix":       site("handle_path /app/* {\nwechat_auth {\n" + anAccount + "prefix /app/_wechat\n}\n" + app + "}"),
		"in a folder in upper case":            site("handle /APP/* {\nwechat_auth {\n" + anAccount + "prefix /app/_wechat\n}\n" + app + "}"),
		"in a matcher of two folders":          site("@app path /app/* /_wechat/*\nhandle @app {\n" + gate + app + "}\nhandle {\nrespond 404\n}"),
		"in a matcher of all but a folder":     site("@app not path /api/*\nhandle @app {\n" + gate + app + "}\n" + app),
		"in a matcher of two expressions":      site("@app path_regexp ^/(app|_wechat)/\nhandle @app {\n" + gate + app + "}"),
		"in a matcher that nobody knows":       site("@app `path('/app/*')`\nhandle @app {\n" + gate + app + "}"),
		"in a matcher by variable":             site("@app path {env.FOLDER_OF_APP}\nhandle @app {\n" + gate + app + "}"),
		"two, each in its folder": site("handle /a/* {\nwechat_auth {\n" + anAccount + "prefix /a/_wechat\n}\n" + app +
			"}\nhandle /b/* {\nwechat_auth {\n" + anAccount + "prefix /b/_wechat\n}\n" + app + "}"),
		"two, one of them for the rest": site("handle /a/* {\nwechat_auth {\n" + anAccount + "prefix /a/_wechat\n}\n" + app + "}\nhandle {\n" + gate + app + "}"),
		"a snippet in two folders":      "(auth) {\n" + gate + "}\n" + site("handle /app/* {\nimport auth\n"+app+"}\nhandle /_wechat/* {\nimport auth\n}\nhandle {\nrespond 404\n}"),
		"a named route in two folders":  "&(auth) {\n" + gate + "}\n" + site("handle /app/* {\ninvoke auth\n"+app+"}\nhandle /_wechat/* {\ninvoke auth\n}\nhandle {\nrespond 404\n}"),
		"a named route":                 "&(auth) {\n" + gate + "}\n" + site("invoke auth\n"+app),
		"a named route behind another":  "&(open) {\nrespond /healthz 200\n}\n&(auth) {\ninvoke open\n" + gate + "}\n" + site("invoke auth\n"+app),
		"several sites":                 "http://a.example.com {\n" + gate + app + "}\nhttp://b.example.com {\n" + gate + app + "}\n",
		"a site beside its wildcard":    "http://*.example.com {\n" + gate + app + "}\nhttp://b.example.com {\nrespond b\n}\n",
		"hosts of a wildcard": "http://*.example.com {\n@a host a.example.com\nhandle @a {\n" + gate + app +
			"}\n@b host b.example.com\nhandle @b {\nrespond b\n}\nhandle {\nabort\n}\n}",
		"two hosts of a wildcard":                   "http://*.example.com {\n@a host a.example.com\n@b host b.example.com\nhandle @a {\n" + gate + app + "}\nhandle @b {\n" + gate + app + "}\n}",
		"no host":                                   ":8999 {\n" + gate + app + "}",
		"on https":                                  "https://" + host + " {\ntls internal\n" + gate + app + "}",
		"behind an error":                           site("error /private/* 404\n" + gate + app + "handle_errors {\nrespond sorry\n}"),
		"and again for errors":                      site(gate + app + "handle_errors {\n" + gate + "respond sorry\n}"),
		"for errors only":                           site(app + "handle_errors {\n" + gate + "respond sorry\n}"),
		"with a session of a domain":                site("handle /app/* {\nwechat_auth {\n" + anAccount + inSession + "}\n" + app + "}"),
		"that asks nobody":                          site("handle /blog/* {\nwechat_auth {\n" + anAccount + "optional *\n}\n" + app + "}"),
		"for programs":                              site("@api path /api/* /_wechat/mini_program/*\nhandle @api {\n" + miniGate + app + "}"),
		"for the JS-SDK only":                       site("handle /_wechat/jssdk {\n" + gate + "}\nhandle {\n" + app + "}"),
		"with its logins elsewhere":                 site("handle /app/* {\n" + gate + app + "}\nhandle /_wechat/* {\nreverse_proxy 10.0.0.7:80\n}\nhandle {\n" + app + "}"),
		"with its logins on another port":           "http://" + host + ":8081 {\nhandle /app/* {\n" + gate + app + "}\n}\nhttp://" + host + ":8082 {\nhandle /_wechat/* {\n" + gate + "}\n}",
		"with public_url of another host":           site("handle /app/* {\nwechat_auth {\n" + anAccount + "public_url https://h5.example.org\n}\n" + app + "}"),
		"two, where only a request tells":           site(gate + "@vip header X-Vip 1\nhandle @vip {\n" + gate + app + "}\n" + app),
		"two, by method":                            site("@get method GET\nhandle @get {\n" + gate + app + "}\nhandle {\n" + gate + app + "}"),
		"behind a matcher of all, by an expression": site("@all expression true\nroute {\nrespond @all x\n" + gate + "}"),
		"in a folder of the site's address":         "http://" + host + "/app/* {\nwechat_auth {\n" + anAccount + "prefix /app/_wechat\n}\n" + app + "}",
		"put late by order":                         "{\norder wechat_auth before reverse_proxy\n}\n" + site("respond /healthz 200\n"+gate+app),
	} {
		t.Run(name, func(t *testing.T) {
			if err := validate(t, caddyfile); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestGatesThatCanNeverWork(t *testing.T) {
	t.Setenv("PLACEMENT_PREFIX", "/by-variable")
	t.Setenv("PLACEMENT_FOLDER", "/by-variable/*")
	for name, c := range map[string]struct {
		caddyfile string
		want      []string
	}{
		"in a folder": {site("handle /app/* {\n" + gate + app + "}\nhandle {\nrespond 404\n}"), []string{
			"never gets its logins back", host + "/_wechat/callback", "handle /app/*", "wechat_auth /app/* { … }", "prefix /app/_wechat",
		}},
		"in the only folder": {site("handle /app/* {\n" + gate + app + "}"), []string{
			"never gets its logins back", "handle /app/*", "route", "wechat_auth /app/* { … }", "prefix /app/_wechat",
		}},
		"in handle_path":         {site("handle_path /app/* {\n" + gate + app + "}"), []string{"never gets its logins back", "handle_path /app/*", "wechat_auth /app/* { … }", "prefix /app/_wechat"}},
		"in a route of a folder": {site("route /app/* {\n" + gate + app + "}"), []string{"never gets its logins back", "/app/* (or route)", "prefix /app/_wechat"}},
		"in a folder within a folder": {site("handle /app/* {\nhandle /app/shop/* {\n" + gate + app + "}\nhandle {\n" + app + "}\n}"), []string{
			"in handle /app/shop/*", "handle /app/* ", "wechat_auth /app/* { … }",
		}},
		"in a folder within route":            {site("route {\nhandle /app/* {\n" + gate + app + "}\n" + app + "}"), []string{"never gets its logins back", "handle /app/*"}},
		"in a named matcher's paths":          {site("@app path /app/* /shop/*\nhandle @app {\n" + gate + app + "}"), []string{"handle /app/* /shop/*", "prefix /app/_wechat"}},
		"in an expression's paths":            {site("@app path_regexp ^/app/\nhandle @app {\n" + gate + app + "}"), []string{"never gets its logins back", "with a matcher"}},
		"in all but its prefix":               {site("@app not path /_wechat/*\nhandle @app {\n" + gate + app + "}"), []string{"never gets its logins back", "with a matcher"}},
		"with another prefix":                 {site("handle /app/* {\nwechat_auth {\n" + anAccount + "prefix /auth\n}\n" + app + "}"), []string{host + "/auth/callback", "handle /app/*"}},
		"with a prefix by variable":           {site("handle /app/* {\nwechat_auth {\n" + anAccount + "prefix {env.PLACEMENT_PREFIX}\n}\n" + app + "}"), []string{host + "/by-variable/callback"}},
		"in a variable's folder":              {site("handle {$PLACEMENT_FOLDER} {\n" + gate + app + "}"), []string{"handle /by-variable/*"}},
		"in a folder by placeholder":          {site("@app path {env.PLACEMENT_FOLDER}\nhandle @app {\n" + gate + app + "}"), []string{"never gets its logins back"}},
		"in a folder of the site's address":   {"http://" + host + "/app/* {\n" + gate + app + "}", []string{"the site " + host + "/app/*", "without a path", "prefix /app/_wechat"}},
		"in a file's ending":                  {site("@html path *.html\nhandle @html {\n" + gate + app + "}"), []string{"never gets its logins back", "handle *.html"}},
		"in a folder of POST":                 {site("@post method POST\nhandle @post {\n" + gate + app + "}\nhandle {\n" + app + "}"), []string{"never gets its logins back", "handle with a matcher"}},
		"in a folder of one of the hosts":     {"http://*.example.com {\n@a host a.example.com\nhandle @a {\nhandle /app/* {\n" + gate + app + "}\nhandle {\n" + app + "}\n}\n}", []string{"a.example.com/_wechat/callback", "handle /app/*"}},
		"in a folder of a wildcard":           {"http://*.example.com {\nhandle /app/* {\n" + gate + app + "}\n}", []string{"never gets its logins back", "handle /app/*"}},
		"in a folder without a host":          {":8999 {\nhandle /app/* {\n" + gate + app + "}\nhandle {\n" + app + "}\n}", []string{"never gets its logins back", "handle /app/*"}},
		"in the second site":                  {"http://a.example.com {\n" + gate + app + "}\nhttp://b.example.com {\nhandle /app/* {\n" + gate + app + "}\n}", []string{"b.example.com/_wechat/callback"}},
		"in the first site":                   {"http://a.example.com {\nhandle /app/* {\n" + gate + app + "}\n}\nhttp://b.example.com {\n" + gate + app + "}", []string{"a.example.com/_wechat/callback"}},
		"on the first server":                 {"http://a.example.com:8081 {\nhandle /app/* {\n" + gate + app + "}\n}\nhttp://b.example.com:8082 {\n" + gate + app + "}", []string{"a.example.com/_wechat/callback"}},
		"in a snippet":                        {"(auth) {\n" + gate + "}\n" + site("handle /app/* {\nimport auth\n"+app+"}\nhandle /_wechat/ {\nimport auth\n}\nhandle {\nrespond 404\n}"), []string{"never gets its logins back", "handle /app/*"}},
		"in a named route":                    {"&(auth) {\n" + gate + "}\n" + site("handle /app/* {\ninvoke auth\n"+app+"}\nhandle {\n"+app+"}"), []string{"never gets its logins back", "handle /app/*"}},
		"in a folder of a named route":        {"&(shop) {\nhandle /app/* {\n" + gate + app + "}\nhandle {\n" + app + "}\n}\n" + site("invoke shop"), []string{"never gets its logins back", "handle /app/*"}},
		"with public_url":                     {site("handle /app/* {\nwechat_auth {\n" + anAccount + "public_url https://" + host + "\n}\n" + app + "}"), []string{"never gets its logins back", "handle /app/*"}},
		"with its logins answered by the app": {site("handle /app/* {\n" + gate + app + "}\nreverse_proxy 10.0.0.7:80"), []string{"never gets its logins back"}},
		"with its logins answered before":     {site("route {\nrespond /_wechat/* 404\n" + gate + app + "}"), []string{"never gets its logins back", "respond in front of it answers"}},
		"for programs":                        {site("handle /api/* {\n" + miniGate + app + "}"), []string{"/_wechat/mini_program/login", "programs", "handle /api/*", "prefix /api/_wechat"}},
		"two in folders of their own":         {site("handle /a/* {\n" + gate + app + "}\nhandle /b/* {\n" + gate + app + "}"), []string{"never gets its logins back"}},
		"two, the other with another prefix":  {site("handle /a/* {\n" + gate + app + "}\nhandle {\nwechat_auth {\n" + anAccount + "prefix /auth\n}\n" + app + "}"), []string{"never gets its logins back", "handle /a/*"}},
		"of a rule's paths":                   {site("handle /app/* {\nwechat_auth {\n" + anAccount + "optional /app/open/*\n}\n" + app + "}"), []string{"never gets its logins back"}},

		"two in the site":         {site(gate + "wechat_auth /b/* {\n" + anAccount + "}\n" + app), []string{"wechat_auth in the site", "wechat_auth /b/* in the site", "one wechat_auth", "login /b/*"}},
		"two by path in the site": {site("wechat_auth /a/* {\n" + anAccount + "}\nwechat_auth /b/* {\n" + anAccount + "}\n" + app), []string{"both on the way", "rules"}},
		"one in the site and one in a folder": {site(gate + "handle /app/* {\n" + gate + app + "}\nhandle {\n" + app + "}"), []string{
			"wechat_auth in the site h5.example.com and wechat_auth in handle /app/*", host + "/app/any", "login /app/*", "prefix /app/_wechat",
		}},
		"one in the site and one in a folder with its prefix": {site(gate + "handle /app/* {\nwechat_auth {\n" + anAccount + "prefix /app/_wechat\n}\n" + app + "}"), []string{"both on the way"}},
		"one in the site and one in route":                    {site(gate + "route {\nrespond /healthz 200\n" + gate + app + "}"), []string{"both on the way"}},
		"two in route":                                        {site("route {\n" + gate + gate + app + "}"), []string{"both on the way"}},
		"two with what passes on between":                     {site(gate + "encode\nheader X-A b\nrequest_header X-B c\nroute {\n" + gate + app + "}"), []string{"both on the way"}},
		"two behind a redirect":                               {site("redir /old /new\n@http protocol http\nredir @http https://{host}{uri}\n" + gate + "route {\n" + gate + app + "}"), []string{"both on the way"}},
		"two by a snippet":                                    {"(auth) {\n" + gate + "}\n" + site("import auth\nhandle /app/* {\nimport auth\n"+app+"}"), []string{"both on the way"}},
		"two by a named route":                                {"&(auth) {\n" + gate + "}\n" + site(gate+"handle /app/* {\ninvoke auth\n"+app+"}"), []string{"both on the way"}},
		"two on one of the hosts":                             {"http://a.example.com, http://b.example.com {\n" + gate + "@b host b.example.com\nhandle @b {\n" + gate + app + "}\nhandle {\n" + app + "}\n}", []string{"both on the way of b.example.com"}},

		"behind a proxy in route":                   {site("route {\n" + app + gate + "}"), []string{"reverse_proxy answers every request", "wechat_auth in the site", "in front of reverse_proxy"}},
		"behind a proxy that sets headers in route": {site("route {\nreverse_proxy localhost:9 {\nheader_up X-A b\n}\n" + gate + "}"), []string{"reverse_proxy answers every request"}},
		"behind php_fastcgi in route":               {site("route {\nphp_fastcgi localhost:9\n" + gate + "file_server\n}"), []string{"php_fastcgi answers every request"}},
		"behind php_fastcgi in handle":              {site("route {\nhandle {\nphp_fastcgi localhost:9\n}\n" + gate + "file_server\n}"), []string{"php_fastcgi answers every request"}},
		"in a folder behind php_fastcgi":            {site("route {\nphp_fastcgi localhost:9\nhandle /admin/* {\nwechat_auth {\n" + anAccount + "prefix /admin/_wechat\n}\n}\nfile_server\n}"), []string{"php_fastcgi answers every request"}},
		"behind files in route":                     {site("route {\nfile_server\n" + gate + app + "}"), []string{"file_server answers every request"}},
		"behind an answer in route":                 {site("route {\nrespond hello\n" + gate + app + "}"), []string{"respond answers every request"}},
		"behind an error in route":                  {site("route {\nerror 503\n" + gate + app + "}"), []string{"error answers every request"}},
		"behind an abort in route":                  {site("route {\nabort\n" + gate + app + "}"), []string{"abort answers every request"}},
		"behind an answer to every path":            {site("route {\nrespond /* hello\n" + gate + app + "}"), []string{"respond answers every request"}},
		"behind handle blocks for all":              {site("route {\nhandle /api/* {\n" + app + "}\nhandle {\nrespond hello\n}\n" + gate + app + "}"), []string{"respond answers every request"}},
		"in a handle block behind that of all":      {site("route {\nhandle {\n" + app + "}\nhandle {\n" + gate + app + "}\n}"), []string{"reverse_proxy answers every request"}},
		"put too late by order":                     {"{\norder wechat_auth after reverse_proxy\n}\n" + site(gate+app), []string{"reverse_proxy answers every request"}},
		"behind an answer in a route of a folder":   {site("handle /app/* {\nroute {\n" + app + "wechat_auth {\n" + anAccount + "prefix /app/_wechat\n}\n}\n}\nhandle {\n" + app + "}"), []string{"reverse_proxy answers every request", "wechat_auth in handle /app/*"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := validate(t, c.caddyfile)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in: %v", part, err)
				}
			}
			t.Log(err)
		})
	}
}
