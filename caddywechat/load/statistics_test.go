//go:build linux

package main

import (
	"math"
	"testing"
)

func TestMedian_IsTheMiddle(t *testing.T) {
	for _, tt := range []struct {
		numbers []float64
		want    float64
	}{
		{nil, 0},
		{[]float64{7}, 7},
		{[]float64{9, 1, 5}, 5},
		{[]float64{9, 1, 5, 3}, 4},
	} {
		if got := median(tt.numbers); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.numbers, got, tt.want)
		}
	}
	numbers := []float64{3, 1, 2}
	if median(numbers); numbers[0] != 3 {
		t.Errorf("the numbers were put into another order: %v", numbers)
	}
}

func TestSlope_IsThatOfLeastSquares(t *testing.T) {
	for _, tt := range []struct {
		x, y []float64
		want float64
	}{
		{nil, nil, 0},
		{[]float64{1}, []float64{5}, 0},
		{[]float64{2, 2, 2}, []float64{1, 2, 3}, 0},
		{[]float64{0, 1, 2, 3}, []float64{5, 5, 5, 5}, 0},
		{[]float64{0, 1, 2, 3}, []float64{1, 3, 5, 7}, 2},
		{[]float64{10, 20, 30}, []float64{9, 6, 3}, -0.3},
		{[]float64{0, 1, 2}, []float64{0, 3, 0}, 0},
		{[]float64{1, 2, 3, 4, 5}, []float64{2, 1, 4, 3, 5}, 0.8},
	} {
		if got := slope(tt.x, tt.y); math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("%v over %v: %v, want %v", tt.y, tt.x, got, tt.want)
		}
	}
}
