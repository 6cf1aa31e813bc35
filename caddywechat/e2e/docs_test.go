package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const root = "../../"

// caddyfiles returns every Caddyfile that the documentation shows, by where it stands.
func caddyfiles(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	files, err := filepath.Glob(root + "examples/*/*Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, root+"Caddyfile.example", root+"caddywechat/demo/Caddyfile") {
		found[name] = read(t, name)
	}
	block := regexp.MustCompile("(?s)( *)```caddyfile\n(.*?)```")
	pages, err := filepath.Glob(root + "examples/*/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(pages, root+"README.md", root+"README.zh-CN.md") {
		for i, match := range block.FindAllStringSubmatch(read(t, name), -1) {
			text := match[2]
			if indent := match[1]; indent != "" {
				text = strings.ReplaceAll("\n"+text, "\n"+indent, "\n")[1:]
			}
			found[fmt.Sprintf("%s, block %d", name, i+1)] = text
		}
	}
	if len(found) < 10 {
		t.Fatalf("only %d Caddyfiles found", len(found))
	}
	return found
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDocumentation_ShowsValidCaddyfiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := home(t,
		"WECHAT_APP_ID=wx0123456789abcdef",
		"WECHAT_APP_SECRET=0123456789abcdef0123456789abcdef",
		"SESSION_KEY=Qm9TqBvR6vXc0mJt5LzWkY2sHnA8eUfP",
		"REDIS_URL=redis://127.0.0.1:6379",
		"TEA_APP_ID=wx4123456789abcdef",
		"TEA_APP_SECRET=4123456789abcdef0123456789abcdef",
		"BRANDS_APP_ID=wx5123456789abcdef",
		"BRANDS_APP_SECRET=5123456789abcdef0123456789abcdef",
		"WEBSITE_APP_ID=wx1123456789abcdef",
		"WEBSITE_APP_SECRET=1123456789abcdef0123456789abcdef",
		"MINI_APP_ID=wx2123456789abcdef",
		"MINI_APP_SECRET=2123456789abcdef0123456789abcdef",
		"MOBILE_APP_ID=wx3123456789abcdef",
		"MOBILE_APP_SECRET=3123456789abcdef0123456789abcdef",
		"WECOM_CORP_ID=ww0123456789abcdef",
		"WECOM_SECRET=0123456789abcdef0123456789abcdef0123456789a",
		"WECOM_AGENT_ID=1000002",
		"WECHAT_HOST=h5.example.com",
		"SHOP_APP_ID=wxfedcba9876543210",
		"SHOP_APP_SECRET=fedcba9876543210fedcba9876543210",
		"DEMO_STORAGE="+dir,
		"DEMO_PORT=8080",
		"DEMO_FAMILY_PORT=8082",
		"DEMO_WEBSITE_APP_ID=wx4123456789abcdef",
		"DEMO_WEBSITE_APP_SECRET=0123456789abcdef0123456789abcdef",
		"DEMO_CORP_ID=ww4123456789abcdef",
		"DEMO_WECOM_SECRET=0123456789abcdef0123456789abcdef0123456789a",
		"DEMO_AGENT_ID=1",
		"DEMO_MINI_APP_ID=wx5123456789abcdef",
		"DEMO_MINI_APP_SECRET=0123456789abcdef0123456789abcdef",
		"DEMO_MOBILE_APP_ID=wx6123456789abcdef",
		"DEMO_MOBILE_APP_SECRET=0123456789abcdef0123456789abcdef",
		"DEMO_APP_ID=wx0123456789abcdef",
		"DEMO_APP_SECRET=0123456789abcdef0123456789abcdef",
		"DEMO_PLATFORM=http://127.0.0.1:9090",
		"DEMO_APP=127.0.0.1:9091",
	)
	for name, text := range caddyfiles(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := write(t, "Caddyfile", withPages(text))
			if out, err := run(t, env, "adapt", "--validate", "--config", file, "--adapter", "caddyfile"); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			if out, err := run(t, env, "fmt", "--diff", file); err != nil {
				t.Errorf("it is not formatted:\n%s", out)
			}
		})
	}
}

// withPages puts the example's folder of pages in place of the one that the documentation names.
func withPages(text string) string {
	dir, err := filepath.Abs(root + "examples/own-pages/pages")
	if err != nil {
		panic(err)
	}
	return strings.ReplaceAll(text, "/etc/caddy/wechat-pages", dir)
}

func TestReadme_ShowsTheSameCodeInBothLanguages(t *testing.T) {
	t.Parallel()
	block := regexp.MustCompile("(?s)```.*?```")
	english := block.FindAllString(read(t, root+"README.md"), -1)
	chinese := block.FindAllString(read(t, root+"README.zh-CN.md"), -1)
	if strings.Join(english, "\n") != strings.Join(chinese, "\n") {
		t.Errorf("README.md shows\n%s\n\nREADME.zh-CN.md shows\n%s", strings.Join(english, "\n"),
			strings.Join(chinese, "\n"))
	}
}

// startLaptop runs an example's laptop.Caddyfile as its README says, but on other ports and with the changes that old
// and new texts make to it. The app is to listen at the port app. It returns the addresses of the site and of the
// simulator.
func startLaptop(t *testing.T, example string, app int, changes ...string) (caddy *process, front, sim string) {
	t.Helper()
	frontPort, simPort := freeport.Get(t), freeport.Get(t)
	start(t, home(t), "wechat", "simulator", "--any-browser", "--listen",
		fmt.Sprintf("127.0.0.1:%d", simPort)).waitFor("/simulator/")
	config := strings.NewReplacer(append(changes,
		"localhost:8080", fmt.Sprintf("localhost:%d", frontPort), "localhost:8081", fmt.Sprintf("localhost:%d", app),
		"127.0.0.1:9090", fmt.Sprintf("127.0.0.1:%d", simPort), "examples/", root+"examples/")...).
		Replace(read(t, root+"examples/"+example+"/laptop.Caddyfile"))
	config = strings.Replace(config, "{\n", "{\n\tadmin off\n", 1)
	caddy = start(t, home(t), "run", "--config", write(t, "Caddyfile", config), "--adapter", "caddyfile")
	front = fmt.Sprintf("http://localhost:%d", frontPort)
	caddy.answers(front + "/_wechat/health")
	return caddy, front, fmt.Sprintf("http://127.0.0.1:%d", simPort)
}

func TestBasicExample_GreetsTheVisitor(t *testing.T) {
	t.Parallel()
	php := program(t, "php")
	app := freeport.Get(t)
	startProgram(t, php, "-S", fmt.Sprintf("localhost:%d", app), "-t", root+"examples/basic/app")
	caddy, base, _ := startLaptop(t, "basic", app)

	v := (&site{t: t, caddy: caddy}).visitor()
	v.Agent = "Mozilla/5.0 (X11; Linux x86_64) Chrome/132.0.0.0"
	caddy.eventually("the app answers", func() bool { return v.open(base+"/about.php").StatusCode == http.StatusOK })
	chain := v.follow(base + "/index.php")
	if last := chain[len(chain)-1]; !strings.Contains(last.Text, "你好，"+simulator.OpenID(simulator.DemoAppID,
		"xiaoming")) {
		t.Errorf("status %d: %s", last.StatusCode, last.Text)
	}
	if a := v.open(base+"/about.php", "X-Wechat-User: evil"); !strings.Contains(a.Text, "无需登录") {
		t.Errorf("status %d: %s", a.StatusCode, a.Text)
	}
}
