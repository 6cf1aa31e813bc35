package simulator

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/locale"
)

// Every page of WeChat's comes whole, in the language that is asked for, and stands alone.
func TestPages_StandAloneInEveryLanguage(t *testing.T) {
	t.Parallel()
	forbidden := map[string]*regexp.Regexp{
		"unresolved template":  regexp.MustCompile(`{{|}}|<no value>|ZgotmplZ`),
		"unfilled placeholder": regexp.MustCompile(`\{[a-z]+\}`),
		"inline handler":       regexp.MustCompile(`<[^>]*\son[a-z]+\s*=`),
		"style attribute":      regexp.MustCompile(`<[^>]*\sstyle\s*=`),
		"foreign resource":     regexp.MustCompile(`(src|href)="(https?:)?//|@import|url\(`),
		"nothing said":         regexp.MustCompile(`<(h1|h2|title|p|b|button[^>]*)>\s*</`),
	}
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	script := regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	h := newHarness(t, Config{})
	pages := map[string]func(language string) reply{
		"consent": func(language string) reply {
			return h.get(authorizePath+"?"+authorizeQuery(ScopeUserinfo), "Accept-Language", language)
		},
		"choose": func(language string) reply {
			choosing := newHarness(t, Config{Choose: true})
			return choosing.get(authorizePath+"?"+authorizeQuery(ScopeBase), "Accept-Language", language)
		},
		"closed": func(language string) reply {
			form := "authorize=" + escaped(authorizeQuery(ScopeUserinfo)) + "&answer=deny"
			return h.postForm(consentPath, form, "Accept-Language", language)
		},
		"problem": func(language string) reply { return h.get(authorizePath, "Accept-Language", language) },
		"unknown": func(language string) reply { return h.get("/cgi-bin/a/b", "Accept-Language", language) },
		"qrconnect": func(language string) reply {
			return h.get(qrConnectPath+"?"+qrQuery(), "Accept-Language", language)
		},
		"confirm": func(language string) reply {
			return h.get(confirmPath+"?uuid="+h.newUUID(), "Accept-Language", language)
		},
		"confirmed": func(language string) reply {
			return h.postForm(confirmPath, "uuid="+h.newUUID()+"&answer=allow", "Accept-Language", language)
		},
		"refused": func(language string) reply {
			return h.postForm(confirmPath, "uuid="+h.newUUID()+"&answer=deny", "Accept-Language", language)
		},
		"wwlogin": func(language string) reply {
			return h.get(weComLoginPath+"?"+weComLoginQuery(), "Accept-Language", language)
		},
		"wwconsent": func(language string) reply {
			return h.get(authorizePath+"?"+weComQuery(ScopePrivateInfo), "Accept-Language", language)
		},
		"wwconfirm": func(language string) reply {
			return h.get(confirmPath+"?uuid="+h.newWeComUUID(), "Accept-Language", language)
		},
		"agentid": func(language string) reply {
			return h.get(weComLoginPath+"?login_type=CorpApp&appid="+DemoCorpID+"&redirect_uri=http://localhost/",
				"Accept-Language", language)
		},
		"login_type": func(language string) reply {
			return h.get(weComLoginPath+"?login_type=ServiceApp&appid="+DemoCorpID+"&redirect_uri=http://localhost/",
				"Accept-Language", language)
		},
		"not a member": func(language string) reply {
			form := "uuid=" + h.newWeComUUID() + "&answer=allow&person=emma"
			return h.postForm(confirmPath, form, "Accept-Language", language)
		},
		"stale": func(language string) reply { return h.get(confirmPath, "Accept-Language", language) },
	}
	for name, get := range pages {
		seen := map[string]string{}
		for _, language := range locale.Languages {
			r := get(language)
			body := script.ReplaceAllString(style.ReplaceAllString(r.body, ""), "")
			if !strings.HasPrefix(body, "<!doctype html>\n<html lang=\""+language+"\">") ||
				!strings.HasSuffix(body, "</html>\n") {
				t.Errorf("%s in %s: %d %s", name, language, r.status, r.body)
			}
			for what, pattern := range forbidden {
				if found := pattern.FindString(body); found != "" {
					t.Errorf("%s in %s: %s %q", name, language, what, found)
				}
			}
			if other := seen[body]; other != "" {
				t.Errorf("%s is the same in %s and %s", name, other, language)
			}
			seen[body] = language

			policy := r.header.Get("Content-Security-Policy")
			for _, inline := range []*regexp.Regexp{style, script} {
				if found := inline.FindStringSubmatch(r.body); found != nil &&
					!strings.Contains(policy, hashOf(found[1])) {
					t.Errorf("%s: the policy %q does not allow what the page has", name, policy)
				}
			}
			if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") ||
				strings.Contains(policy, "*") ||
				strings.Contains(policy, "script-src") != (name == "qrconnect" || name == "wwlogin") {
				t.Errorf("%s: policy %q", name, policy)
			}
			if r.header.Get("Cache-Control") != "no-store" || r.header.Get("Vary") != "Accept-Language" ||
				r.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %v", name, r.header)
			}
		}
	}
}

// An English page tells how the Chinese words are, by which the web knows the error.
func TestProblemPage_ShowsWeChatsOwnWords(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	r := h.get(authorizePath+"?"+strings.Replace(authorizeQuery(ScopeBase), ScopeBase, "x", 1), "Accept-Language", "en")
	for _, want := range []string{
		"<h1>Wrong scope, or no permission for it</h1>", "Scope 参数错误或没有 Scope 权限", "The scope is &#34;x&#34;.",
	} {
		if !strings.Contains(r.body, want) {
			t.Errorf("%s is not on the page", want)
		}
	}
	if r := h.get("/nothing", "Accept-Language", "en"); r.status != http.StatusNotFound ||
		strings.Contains(r.body, "页面不存在") {
		t.Errorf("got %d %s", r.status, r.body)
	}
}
