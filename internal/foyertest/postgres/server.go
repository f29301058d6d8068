//go:build linux || darwin

package postgres

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// settings are for a server whose data nobody will miss: it may lose everything in a crash, and is fast for it.
var settings = []string{
	"fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0",
	"max_connections=200", "max_wal_size=256MB",
	"listen_addresses=127.0.0.1", "unix_socket_directories=",
	// Not UTC, and not even a whole hour from it, so that a statement that depends on the server's zone is found here.
	"timezone=Asia/Kolkata",
}

// watchdog outlives the test binary: its standard input ends when the test binary closes it or dies of whatever cause.
const watchdog = `cat >/dev/null; "$1/pg_ctl" stop --silent --mode=immediate --pgdata="$2/data" >/dev/null 2>&1; cd /; rm -rf "$2"`

// startLocal starts a server from the machine's own programs.
func startLocal() (base *url.URL, stop func() error, err error) {
	bin, err := binDir()
	if err != nil {
		return nil, nil, err
	}
	as, err := credential()
	if err != nil {
		return nil, nil, err
	}
	dir, err := makeDir(as)
	if err != nil {
		return nil, nil, err
	}
	// The watchdog first: from here on nothing is left behind, whenever the test binary dies.
	stop, err = startWatchdog(bin, dir, as)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	base, err = startServer(bin, dir, as)
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return base, stop, nil
}

// binDir returns the folder with the server's programs.
func binDir() (string, error) {
	var dirs []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // fails on a bad pattern only
	slices.SortFunc(debian, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
	dirs = append(dirs, debian...)
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, dir := range dirs {
		if !slices.ContainsFunc([]string{"initdb", "pg_ctl", "postgres"}, func(program string) bool {
			_, err := exec.LookPath(filepath.Join(dir, program))
			return err != nil
		}) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%w: no folder with initdb, pg_ctl and postgres found", errMissing)
}

// version reads 15 from /usr/lib/postgresql/15/bin.
func version(dir string) float64 {
	v, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(dir)), 64) // an odd name sorts last
	return v
}

// credential returns whom to run the server as, nil for the user the tests run as.
func credential() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("%w: it refuses to run as root, and there is no user postgres or nobody", errMissing)
}

// makeDir makes the server's folder in a place that the server's user can reach: root's TMPDIR may be closed to others.
func makeDir(as *syscall.Credential) (string, error) {
	parents := []string{os.TempDir(), "/tmp", "/var/tmp"}
	if roomy("/dev/shm") {
		// In memory a database is copied in 7 ms; on a disk that others use too it took 150.
		parents = slices.Insert(parents, 0, "/dev/shm")
	}
	for _, parent := range parents {
		if as != nil && !openToAll(parent) {
			continue
		}
		dir, err := os.MkdirTemp(parent, "foyer-postgres-")
		if err != nil {
			continue
		}
		if as != nil {
			if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
				return "", errors.Join(err, os.RemoveAll(dir))
			}
		}
		return dir, nil
	}
	return "", fmt.Errorf("PostgreSQL: no temporary folder for it in %s", strings.Join(parents, ", "))
}

// roomy says whether 4 GiB are free at path: containers often have 64 MiB there.
func roomy(path string) bool {
	var fs syscall.Statfs_t
	return syscall.Statfs(path, &fs) == nil && fs.Bavail*uint64(fs.Bsize) >= 4<<30 // a block has a positive size
}

// openToAll says whether every folder on the way to path may be entered by anyone.
func openToAll(path string) bool {
	for {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		parent := filepath.Dir(path)
		if parent == path {
			return true
		}
		path = parent
	}
}

// startWatchdog starts what cleans up, and returns how to have it do so now.
func startWatchdog(bin, dir string, as *syscall.Credential) (stop func() error, err error) {
	r, w, err := os.Pipe() // close-on-exec: no other child keeps it open
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/bin/sh", "-c", watchdog, "sh", bin, dir)
	cmd.Dir, cmd.Stdin = dir, r
	// Its own session: what ends the tests from a terminal (Ctrl-C) must not end it too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Setsid: true}
	err = cmd.Start()
	_ = r.Close() // the watchdog has its own copy
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return func() error {
		return errors.Join(w.Close(), cmd.Wait())
	}, nil
}

// startServer makes a cluster and serves it on a free port.
func startServer(bin, dir string, as *syscall.Credential) (*url.URL, error) {
	run := func(program string, args ...string) error {
		cmd := exec.Command(filepath.Join(bin, program), args...)
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", program, err, out)
		}
		return nil
	}
	password := rand.Text()
	data, pwfile, log := filepath.Join(dir, "data"), filepath.Join(dir, "password"), filepath.Join(dir, "log")
	// Open to all, because root writes it and another reads it; the folder around it has mode 0700.
	if err := os.WriteFile(pwfile, []byte(password), 0o644); err != nil {
		return nil, err
	}
	if err := run("initdb", "--pgdata="+data, "--username=postgres", "--pwfile="+pwfile, "--auth=scram-sha-256",
		"--encoding=UTF8", "--no-locale", "--no-sync"); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		options := "-p " + port
		for _, s := range settings {
			options += " -c " + s
		}
		err = run("pg_ctl", "start", "--silent", "--wait", "--timeout=60", "--pgdata="+data, "--log="+log, "--options="+options)
		if err == nil {
			return &url.URL{
				Scheme: "postgres", User: url.UserPassword("postgres", password),
				Host: "127.0.0.1:" + port, Path: "/postgres", RawQuery: "sslmode=disable",
			}, nil
		}
		if try == 3 { // somebody may have taken the port in between; three times is no accident
			out, _ := os.ReadFile(log)
			return nil, fmt.Errorf("%w%s", err, out)
		}
	}
}

// freePort returns a port that nobody listens on just now.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}
