package redis

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
	"github.com/redis/go-redis/v9"
)

// server is a redis-server that runs until the test ends.
type server struct {
	t    *testing.T
	port int
	args []string
	cmd  *exec.Cmd
	log  string
}

// startServer starts a redis-server with the given arguments beside its port and folder.
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	s := newServer(t, args...)
	s.start()
	return s
}

func newServer(t *testing.T, args ...string) *server {
	t.Helper()
	port, dir := freeport.Get(t), t.TempDir()
	return &server{t: t, port: port, log: filepath.Join(dir, "log"), args: append([]string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "no",
		"--logfile", filepath.Join(dir, "log"),
	}, args...)}
}

func (s *server) addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

func (s *server) start() {
	s.t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("E2E_PROGRAMS") == "required" {
			s.t.Fatal("redis-server is missing, and make test could not install it")
		}
		s.t.Skip("skipped for want of redis-server")
	}
	cmd := exec.Command(path, s.args...)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.cmd = cmd
	s.t.Cleanup(func() {
		if s.cmd == cmd {
			s.stop()
		}
	})
	eventually(s.t, "redis-server listens", func() bool {
		c, err := net.Dial("tcp", s.addr())
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
}

// stop ends the server as a crash does: what it held is gone.
func (s *server) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
	s.cmd = nil
}

// admin returns a client for the test's own orders.
func (s *server) admin() *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: s.addr()})
	s.t.Cleanup(func() { c.Close() })
	return c
}

// order sends a command.
func (s *server) order(args ...any) {
	s.t.Helper()
	if err := s.admin().Do(s.t.Context(), args...).Err(); err != nil {
		s.t.Fatalf("%v: %v", args, err)
	}
}

// eventually waits for something that a server is about to do.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// certificate is the file of one that this process trusts, and of its key.
var certificate, certificateKey string

// TestMain makes the certificate before anything asks which authorities the system trusts.
func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "caddywechat-redis-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	certificate, certificateKey = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := makeCertificate(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	os.Setenv("SSL_CERT_FILE", certificate)
	return m.Run()
}

func makeCertificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a Redis"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writePEM(certificate, "CERTIFICATE", cert); err != nil {
		return err
	}
	return writePEM(certificateKey, "PRIVATE KEY", secret)
}

func writePEM(name, kind string, data []byte) error {
	return os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600)
}

// cluster starts a Cluster of three nodes.
func cluster(t *testing.T) []*server {
	t.Helper()
	nodes, buses := make([]*server, 3), make([]int, 3)
	for i := range nodes {
		buses[i] = freeport.Get(t)
		nodes[i] = startServer(t, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(buses[i]))
	}
	for i, n := range nodes {
		n.order("cluster", "set-config-epoch", i+1)
		n.order("cluster", "addslotsrange", 16384*i/3, 16384*(i+1)/3-1)
		n.order("cluster", "meet", "127.0.0.1", nodes[0].port, buses[0])
	}
	for _, n := range nodes {
		admin := n.admin()
		eventually(t, "the Cluster stands", func() bool {
			info, err := admin.ClusterInfo(t.Context()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") &&
				strings.Contains(info, "cluster_slots_ok:16384")
		})
	}
	return nodes
}

// sentinel starts a master, a replica and a Sentinel that calls the master by the name of mymaster.
func sentinel(t *testing.T) (master, replica, watch *server) {
	t.Helper()
	master = startServer(t)
	replica = startServer(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(master.port))
	watch = newServer(t)
	// A Sentinel writes what it learns into its file.
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("port %d\nbind 127.0.0.1\nsentinel monitor mymaster 127.0.0.1 %d 1\n"+
		"sentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 2000\n",
		watch.port, master.port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	watch.args = []string{file, "--sentinel", "--logfile", watch.log}
	watch.start()
	admin := redis.NewSentinelClient(&redis.Options{Addr: watch.addr()})
	t.Cleanup(func() { admin.Close() })
	eventually(t, "the Sentinel knows the replica", func() bool {
		replicas, err := admin.Replicas(t.Context(), "mymaster").Result()
		return err == nil && len(replicas) == 1 && replicas[0]["master-link-status"] == "ok"
	})
	return master, replica, watch
}
