package simulator_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// A test logs in by QR code without a browser: it plays the page, the phone, and the page again.
func Example_qrLogin() {
	sim, err := simulator.New(simulator.Config{})
	if err != nil {
		log.Fatal(err)
	}
	wechat := httptest.NewServer(sim)
	defer wechat.Close()
	defer sim.Close()

	// The website sends its visitor there; the page has a QR code.
	page := send("GET", wechat.URL+"/connect/qrconnect?appid="+simulator.DemoWebsiteAppID+
		"&redirect_uri="+url.QueryEscape("http://localhost:8080/callback")+
		"&response_type=code&scope=snsapi_login&state=abc123", "")
	uuid := regexp.MustCompile(`/qrcode/(\w+)"`).FindStringSubmatch(page)[1]

	// Emma scans it and allows the login.
	response, err := http.PostForm(wechat.URL+"/connect/confirm",
		url.Values{"uuid": {uuid}, "answer": {"allow"}, "person": {"emma"}})
	if err != nil {
		log.Fatal(err)
	}
	response.Body.Close()

	// The page hears of it, and would go on to http://localhost:8080/callback?code=…&state=abc123.
	script := send("GET", wechat.URL+"/connect/l/qrconnect?uuid="+uuid, "")
	told := regexp.MustCompile(`wx_errcode=(\d+);window.wx_code='(\w+)'`).FindStringSubmatch(script)
	fmt.Println(told[1], len(told[2]))

	// The website's server exchanges the code.
	token := send("GET", wechat.URL+"/sns/oauth2/access_token?appid="+simulator.DemoWebsiteAppID+
		"&secret="+simulator.DemoWebsiteSecret+"&code="+told[2]+"&grant_type=authorization_code", "")
	openID := regexp.MustCompile(`"openid":"([^"]+)"`).FindStringSubmatch(token)[1]
	fmt.Println(openID == simulator.OpenID(simulator.DemoWebsiteAppID, "emma"))

	// Output:
	// 405 32
	// true
}
