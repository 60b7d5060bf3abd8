using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Caching.Distributed;
using RedisCaching;

// Two instances of a .NET service that share what they cache, and the keys of Data Protection, through Holdfast, with the packages that they use for Redis:
//     dotnet run --project samples/RedisCaching -c Release -- 127.0.0.1:6379,127.0.0.1:6380,127.0.0.1:6381
await using var first = await ServiceInstance.StartAsync(args[0]);
await using var second = await ServiceInstance.StartAsync(args[0]);

await first.Distributed.SetStringAsync("greeting", "hello", new DistributedCacheEntryOptions { SlidingExpiration = TimeSpan.FromMinutes(5) });
var greeting = await second.Distributed.GetStringAsync("greeting");
await second.Distributed.RefreshAsync("greeting");
await second.Distributed.RemoveAsync("greeting");
Console.WriteLine($"distributed cache: {greeting}, then {await first.Distributed.GetStringAsync("greeting") ?? "nothing"}");

var (buffered, read) = ((IBufferDistributedCache)first.Distributed, new ArrayBufferWriter<byte>());
await buffered.SetAsync("bytes", new ReadOnlySequence<byte>("without a copy"u8.ToArray()), new DistributedCacheEntryOptions { AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(5) });
var isThere = await ((IBufferDistributedCache)second.Distributed).TryGetAsync("bytes", read, CancellationToken.None);
Console.WriteLine($"buffer cache: {isThere}, {Encoding.UTF8.GetString(read.WrittenSpan)}");

// What one instance holds in its own memory it forgets as soon as another changes it: no stale copies, and no waiting for them to expire.
var made = 0;
ValueTask<int> Make(CancellationToken cancellation) => ValueTask.FromResult(++made);
await first.Hybrid.SetAsync("price", 50);
var before = (await first.Hybrid.GetOrCreateAsync("price", Make), await second.Hybrid.GetOrCreateAsync("price", Make));
await second.Hybrid.SetAsync("price", 100);
var after = await first.UntilAsync("price", 100);
await second.Hybrid.RemoveAsync("price");
var again = await first.UntilAsync("price", 1, Make);
Console.WriteLine($"hybrid cache: {before}, then {after}, then {again}; made once: {made == 1}");

var secret = first.Protector.Protect("nobody reads this");
Console.WriteLine($"data protection: {second.Protector.Unprotect(secret)} but the other instance");
