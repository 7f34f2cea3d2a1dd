package main

import (
	"errors"
	"testing"
)

func TestAckedSeq(t *testing.T) {
	for _, tc := range []struct {
		data string
		want uint64 // 0 for an error
	}{
		{`{"stream":"S", "seq":1207}`, 1207},
		{`{"stream":"S","seq": 7,"duplicate":true}`, 7},
		{`{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"},"stream":"S","seq":0}`, 0},
		{`{"error":{"code":400},"seq":5}`, 0},
		{`{"stream":"S","seq":0}`, 0},
		{`{"stream":"S"}`, 0},
		{``, 0},
	} {
		got, err := ackedSeq([]byte(tc.data))
		if got != tc.want || (err != nil) != (tc.want == 0) {
			t.Errorf("ackedSeq(%s) = %d, %v, want %d", tc.data, got, err, tc.want)
		}
		if err != nil && !errors.Is(err, errNoSequence) {
			t.Errorf("ackedSeq(%s): error %v is not errNoSequence", tc.data, err)
		}
	}
}
