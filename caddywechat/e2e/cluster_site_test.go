package e2e

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const (
	clusterKey   = "Zk3rWmX8dNq7Tb5vYc2hJs9LpGf4RuEa"
	redisSecret  = "s3cr3t-of-redis"
	membersHost  = "members.example.com"
	membersAppID = "wx00000000000000aa"
)

// cluster is a site on three Caddys behind one address, with an app and a simulated WeChat around them.
type cluster struct {
	t         *testing.T
	sim       *simulator.Simulator
	simURL    string
	app       *httptest.Server
	balancer  *balancer
	instances []*instance
	redis     *redisServer // nil for a cluster that shares a folder
	folder    string       // the storage of all of them, "" where each has its own
}

// instance is one Caddy of a cluster.
type instance struct {
	*process
	t           *testing.T
	binary      string
	port, admin int
	env         []string
	config      string
}

// newRedisCluster starts three instances that have a key in their configuration, and share a Redis.
func newRedisCluster(t *testing.T) *cluster {
	t.Helper()
	c := newCluster(t)
	c.redis = startRedis(t)
	c.add(3, binary(t), "", c.caddyfile("session {\nkey {env.SESSION_KEY}\n}\nstore redis {env.REDIS_URL}", defaultApp))
	c.start()
	return c
}

// newFolderCluster starts three instances that share a folder, and nothing else.
func newFolderCluster(t *testing.T) *cluster {
	t.Helper()
	c := newCluster(t)
	c.folder = t.TempDir()
	c.add(3, binary(t), c.folder, c.caddyfile("", defaultApp))
	c.start()
	return c
}

// TestCluster_WithRedisIsOneSite tries one cluster in many ways, for starting it takes its time.
func TestCluster_WithRedisIsOneSite(t *testing.T) {
	c := newRedisCluster(t)
	c.tryLoginsOverInstances()
	c.tryTheSameCallbackTwice()
	c.tryReading()
	c.tryRevocations()
}

func TestCluster_WithASharedFolderIsOneSite(t *testing.T) {
	t.Parallel()
	c := newFolderCluster(t)
	c.tryFirstVisitors()
	c.tryLoginsOverInstances()
	c.tryTheSameCallbackTwice()
	c.tryRevocations()
}

// newCluster makes a cluster that has no instances yet.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, app: newApp(t)}
	account := func(appID, domain string) simulator.OfficialAccount {
		return simulator.OfficialAccount{
			AppID: appID, Secret: simulator.DemoSecret, Domain: domain,
			OpenPlatform: simulator.DemoOpenPlatform,
		}
	}
	c.sim, c.simURL = newSimulator(t, simulator.Config{Accounts: []simulator.OfficialAccount{
		account(simulator.DemoAppID, host), account(membersAppID, membersHost),
	}})
	c.balancer = newBalancer(t)
	return c
}

const defaultApp = "reverse_proxy {app}"

// caddyfile has the site of most tests, for {port}, {admin} and {folder}, and beside it one whose silent logins need
// the store: it is told no unionid, and asks what it has learned.
func (c *cluster) caddyfile(options, app string) string {
	site := func(host, appID, options string) string {
		return fmt.Sprintf(`http://%s:{port} {
	wechat_auth {
		official_account %s {env.WECHAT_APP_SECRET}
		platform %s
		%s
	}
	%s
}
`, host, appID, c.simURL, options, app)
	}
	text := "{\n\tadmin 127.0.0.1:{admin}\n\tstorage file_system {folder}\n\tpersist_config off\n}\n" +
		site(host, simulator.DemoAppID, options) + site(membersHost, membersAppID, options+"\nuser_id unionid")
	return strings.ReplaceAll(text, "{app}", c.app.Listener.Addr().String())
}

// add adds instances that run a program. With no folder each has its own.
func (c *cluster) add(n int, program, folder, caddyfile string) {
	c.t.Helper()
	for range n {
		root := folder
		if root == "" {
			root = c.t.TempDir()
		}
		i := &instance{t: c.t, binary: program, port: freeport.Get(c.t), admin: freeport.Get(c.t)}
		i.env = home(c.t, "WECHAT_APP_SECRET="+simulator.DemoSecret, "SESSION_KEY="+clusterKey)
		if c.redis != nil {
			i.env = append(i.env, "REDIS_URL="+c.redis.url())
		}
		i.config = write(c.t, "Caddyfile", strings.NewReplacer(
			"{port}", strconv.Itoa(i.port), "{admin}", strconv.Itoa(i.admin), "{folder}", root).Replace(caddyfile))
		c.instances = append(c.instances, i)
		c.balancer.add(fmt.Sprintf("127.0.0.1:%d", i.port))
	}
}

// start starts all instances at the same moment.
func (c *cluster) start() {
	c.t.Helper()
	for _, i := range c.instances {
		i.launch()
	}
	for _, i := range c.instances {
		i.ready()
	}
}

// launch starts the instance.
func (i *instance) launch() {
	i.t.Helper()
	i.process = startInstance(i)
}

// ready waits until the instance serves. It touches neither the site's key nor its store.
func (i *instance) ready() {
	i.t.Helper()
	i.waitFor("serving initial configuration")
}

// kill ends the instance at once, as a machine does that loses its power.
func (i *instance) kill() {
	i.cmd.Process.Kill()
	<-i.exited
}

// restart starts an instance that has ended.
func (i *instance) restart() {
	i.t.Helper()
	i.launch()
	i.ready()
}

func (i *instance) adminURL(path string) string {
	return fmt.Sprintf("http://127.0.0.1:%d%s", i.admin, path)
}

// health returns the status that a balancer would see.
func (i *instance) health() int {
	req, err := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d/_wechat/health", i.port), nil)
	if err != nil {
		i.t.Fatal(err)
	}
	req.Host = host
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// url returns the address of a page of the site.
func (c *cluster) url(host, path string) string {
	return "http://" + host + ":" + c.balancer.port() + path
}

// exchanges returns how many codes WeChat was given.
func (c *cluster) exchanges() int { return c.sim.Calls("/sns/oauth2/access_token") }

// balancer is what stands before a cluster: each request goes to the next instance, or to the one that it names.
type balancer struct {
	*httptest.Server
	http.Transport
	instances []string
	next      atomic.Int64
}

const (
	// pinHeader names the instance that a request is for, by its number.
	pinHeader = "X-Instance"
	// cutHeader marks an answer of the balancer, which got none.
	cutHeader = "X-Cut"
)

func newBalancer(t *testing.T) *balancer {
	b := &balancer{Transport: http.Transport{MaxIdleConnsPerHost: 64}}
	b.Server = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(*httputil.ProxyRequest) {},
		Transport: b,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.Header().Set(cutHeader, "yes")
			w.WriteHeader(http.StatusBadGateway)
		},
	})
	t.Cleanup(func() { b.Server.Close(); b.CloseIdleConnections() })
	return b
}

func (b *balancer) add(instance string) { b.instances = append(b.instances, instance) }

func (b *balancer) port() string {
	_, port, _ := net.SplitHostPort(b.Listener.Addr().String())
	return port
}

// RoundTrip sends a request on, to another instance where nobody listens. It leaves the Host that the browser named.
func (b *balancer) RoundTrip(req *http.Request) (res *http.Response, err error) {
	req.URL.Scheme = "http"
	if pin := req.Header.Get(pinHeader); pin != "" {
		n, err := strconv.Atoi(pin)
		if err != nil {
			return nil, err
		}
		req.Header.Del(pinHeader)
		req.URL.Host = b.instances[n]
		return b.Transport.RoundTrip(req)
	}
	for range b.instances {
		req.URL.Host = b.instances[b.next.Add(1)%int64(len(b.instances))]
		if res, err = b.Transport.RoundTrip(req); !errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
	}
	return res, err
}
