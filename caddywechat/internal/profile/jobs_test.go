package profile

import (
	"strconv"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func TestJobs_OnePerPersonAtATime(t *testing.T) {
	var j Jobs
	if !j.start("emma", now) {
		t.Fatal("the first one does not start")
	}
	if j.start("emma", now.Add(time.Hour)) {
		t.Error("a second one starts beside it")
	}
	if !j.start("li", now) {
		t.Error("another person has to wait")
	}
	j.end("emma", profile{}, now.Add(time.Minute))
	if j.start("emma", now.Add(time.Minute-1)) {
		t.Error("it starts before its time")
	}
	if !j.start("emma", now.Add(time.Minute)) {
		t.Error("it does not start when its time has come")
	}
}

func TestJobs_SomeForTheProcess(t *testing.T) {
	var j Jobs
	for i := range maxActive {
		if !j.start(strconv.Itoa(i), now) {
			t.Fatalf("there is no room for the one with number %d", i)
		}
	}
	if j.start("emma", now) {
		t.Error("there is no bound")
	}
	j.end("0", profile{}, now)
	if !j.start("emma", now) {
		t.Error("one that ended leaves no room")
	}
	if j.start("li", now) {
		t.Error("one that ended leaves room for two")
	}
}

func TestJobs_RememberSoMany(t *testing.T) {
	var j Jobs
	for i := range maxJobs {
		key := strconv.Itoa(i)
		if !j.start(key, now) {
			t.Fatal("there is no room")
		}
		j.end(key, profile{at: now}, now.Add(time.Minute))
	}
	if j.start("emma", now) || len(j.of) != maxJobs {
		t.Error("one that may not start again yet is forgotten")
	}
	later := now.Add(time.Minute)
	if !j.start("7", later) || len(j.of) != maxJobs {
		t.Error("one that is remembered does not start again, or takes more room")
	}
	if !j.start("emma", later) || len(j.of) != maxJobs {
		t.Errorf("%d are remembered, and one more does not start", len(j.of))
	}
}

func TestJobs_WhatGoesOnIsNotForgotten(t *testing.T) {
	var j Jobs
	j.start("emma", now)
	if j.forgetOne(now.Add(time.Hour)) || j.of["emma"] == nil {
		t.Error("it is")
	}
	j.end("emma", profile{}, now)
	if !j.forgetOne(now) || len(j.of) != 0 {
		t.Error("what ended stays")
	}
}

func TestJobs_LookForRoomALittleOnly(t *testing.T) {
	var j Jobs
	for i := range 5000 {
		key := strconv.Itoa(i)
		j.start(key, now)
		j.end(key, profile{}, now.Add(time.Minute))
	}
	j.start("emma", now)
	j.end("emma", profile{}, now)
	// One in fifty looks at a hundred of 5,001 finds her: that all of these do is as likely as no request ever.
	for range 50 {
		if !j.forgetOne(now) {
			return
		}
		j.start("emma", now)
		j.end("emma", profile{}, now)
	}
	t.Error("all are looked at, with the lock held")
}

func TestJobs_TellWhatTheLastOneBrought(t *testing.T) {
	var j Jobs
	if j.result("emma") != (profile{}) {
		t.Error("there is a result of nothing")
	}
	j.start("emma", now)
	if j.result("emma") != (profile{}) {
		t.Error("there is a result of what goes on")
	}
	want := profile{nickname: "Emma", at: now}
	j.end("emma", want, now)
	if got := j.result("emma"); got != want {
		t.Errorf("got %v", got)
	}
	j.start("emma", now)
	j.end("emma", profile{}, now)
	if j.result("emma") != (profile{}) {
		t.Error("there is a result of a failure")
	}
}

func TestProfile_ReadsAsItWasWritten(t *testing.T) {
	for _, want := range []profile{
		{nickname: "Emma", avatar: "https://thirdwx.example.net/1", at: now.Local()},
		{nickname: "a\nb\n", at: now.Local()},
	} {
		if got := parseProfile(want.text()); got != want {
			t.Errorf("%v became %v", want, got)
		}
	}
	for _, text := range []string{"", "1\navatar", "x\navatar\nEmma", "1.5\n\n"} {
		if got := parseProfile(text); got != (profile{}) {
			t.Errorf("%q became %v", text, got)
		}
	}
}
