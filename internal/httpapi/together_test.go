package httpapi_test

import "sync"

// together runs n calls at the same moment and counts what they return.
func together[R comparable](n int, call func(i int) R) map[R]int {
	var mu sync.Mutex
	var wait sync.WaitGroup
	results := map[R]int{}
	begin := make(chan struct{})
	for i := range n {
		wait.Go(func() {
			<-begin
			r := call(i)
			mu.Lock()
			defer mu.Unlock()
			results[r]++
		})
	}
	close(begin)
	wait.Wait()
	return results
}
