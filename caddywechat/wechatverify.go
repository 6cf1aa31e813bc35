package caddywechat

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
)

func init() {
	caddy.RegisterModule(new(Verify))
	httpcaddyfile.RegisterDirective("wechat_verify", parseVerify)
	// Before redir, so that it also works on an http site that redirects everything else: WeChat follows no redirect.
	httpcaddyfile.RegisterDirectiveOrder("wechat_verify", httpcaddyfile.Before, "redir")
}

// Verify serves the files by which WeChat and WeCom verify that a domain is yours, without any file on disk.
type Verify struct {
	// The files: name, perhaps with a directory in front, and content. An empty content stands for the 16 characters in
	// the name of an MP_verify_… or WW_verify_… file; a file of another name needs its content.
	Files map[string]string `json:"files,omitempty"`

	// Answer every well-formed MP_verify_… and WW_verify_… name. Anybody can then claim the host for an account of
	// theirs: meant for the minutes in which a domain is set up.
	Auto bool `json:"auto,omitempty"`

	contents map[string]string // by path
	logger   *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (*Verify) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.wechat_verify",
		New: func() caddy.Module { return new(Verify) },
	}
}

// parseVerify reads
//
//	wechat_verify <name>...
//	wechat_verify {
//		<name> [<content>]
//	}
//	wechat_verify auto
func parseVerify(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next() // the directive
	v := &Verify{Files: make(map[string]string)}
	for h.NextArg() {
		if h.Val() != "auto" {
			if err := v.add(h, h.Val(), ""); err != nil {
				return nil, err
			}
			continue
		}
		if v.Auto {
			return nil, h.Err("wechat_verify: auto is given twice: remove one")
		}
		v.Auto = true
	}
	for h.NextBlock(0) {
		name, content := h.Val(), ""
		if h.NextArg() {
			if content = h.Val(); content == "" {
				return nil, h.Errf("wechat_verify: the content of %s is empty: write what is in the file", name)
			}
		}
		if h.NextArg() {
			return nil, h.Errf("wechat_verify: %s takes one content: put quotes around it", name)
		}
		if err := v.add(h, name, content); err != nil {
			return nil, err
		}
	}
	if len(v.Files) == 0 && !v.Auto {
		return nil, config.Missing(h.Dispenser,
			"wechat_verify takes the names of the files: wechat_verify MP_verify_<16 characters>.txt")
	}
	return h.NewRoute(nil, v), nil
}

// add adds a file, and checks it where it is written literally.
func (v *Verify) add(h httpcaddyfile.Helper, name, content string) error {
	name = strings.TrimPrefix(name, "/")
	if _, ok := v.Files[name]; ok {
		return h.Errf("wechat_verify: %s is given twice: remove one", name)
	}
	v.Files[name] = content
	return config.Literal(h.Dispenser, "wechat_verify", name, func(name string) error {
		_, err := verifyContent(name, content)
		return err
	})
}

// Provision makes the paths and contents.
func (v *Verify) Provision(ctx caddy.Context) error {
	return inSite(ctx, v.provision(ctx))
}

func (v *Verify) provision(ctx caddy.Context) error {
	v.logger = ctx.Logger()
	v.contents = make(map[string]string, len(v.Files))
	for rawName, rawContent := range v.Files {
		name, err := config.Resolve("wechat_verify", rawName, anything)
		if err != nil {
			return err
		}
		content, err := config.Resolve("wechat_verify "+name, rawContent, anything)
		if err != nil {
			return err
		}
		if content, err = verifyContent(name, content); err != nil {
			return fmt.Errorf("wechat_verify: %w", err)
		}
		address := "/" + strings.TrimPrefix(name, "/")
		if _, ok := v.contents[address]; ok {
			return fmt.Errorf("wechat_verify: %s is given twice: remove one", address)
		}
		v.contents[address] = content
	}
	if v.Auto {
		v.logger.Warn("wechat_verify auto lets anybody claim this host for an account of theirs: " +
			"replace auto by the names of your files once WeChat has verified the domain")
	}
	return nil
}

func anything(string) error { return nil }

// verifyContent returns what a file holds.
func verifyContent(name, content string) (string, error) {
	p := "/" + strings.TrimPrefix(name, "/")
	if path.Clean(p) != p || strings.Trim(path.Base(p), "/.") == "" || strings.ContainsAny(p, `\;%?# `) {
		return "", fmt.Errorf("%.80q is no name of a file: write it as WeChat gave it to you", name)
	}
	if content != "" {
		return content, nil
	}
	match := verifyFileName.FindStringSubmatch(path.Base(p))
	if match == nil {
		return "", fmt.Errorf("%.80q is no MP_verify_<16 characters>.txt nor WW_verify_<16 characters>.txt, "+
			"so its content does not follow from its name: "+
			"open a block and write <name> <content> on a line of its own", name)
	}
	return match[1], nil
}

// ServeHTTP answers for the files and passes everything else on.
func (v *Verify) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return next.ServeHTTP(w, r)
	}
	p := r.URL.Path
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		p = original.URL.Path
	}
	content, ok := v.contents[p]
	if !ok && v.Auto {
		if match := verifyFileName.FindStringSubmatch(path.Base(p)); match != nil {
			content, ok = match[1], true
			v.logger.Warn("wechat_verify auto answered; if you asked for it, write the line instead of auto",
				zap.String("line", "wechat_verify "+match[0]), zap.String("host", r.Host))
		}
	}
	if !ok {
		return next.ServeHTTP(w, r)
	}
	return writeVerifyFile(w, r, content)
}

// writeVerifyFile answers with what is in a verification file, and nothing else: not even a line break.
func writeVerifyFile(w http.ResponseWriter, r *http.Request, content string) error {
	header := w.Header()
	header.Set("Content-Type", "text/plain")
	header.Set("Content-Length", strconv.Itoa(len(content)))
	header.Set("X-Content-Type-Options", "nosniff")
	problem.SetHeaders(header)
	pinned{w}.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := io.WriteString(w, content)
	return err
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Verify)(nil)
	_ caddyhttp.MiddlewareHandler = (*Verify)(nil)
)
