# What is asked of the sample archive, wherever it is kept; sourced by run-sample.sh and
# by tests/run_cluster.py, which say in $out where to write.
echo
echo "One query finds a word in Arabic letters, in Arabizi and in French:"
for language in ary ary-Latn fr; do
    show marsad search whatsapp --lang "$language" --since 2016-02-20 --until 2016-03-10 --limit 2
done

echo
echo "Attitude to each operator, day by day, as the un-liking campaign begins:"
show marsad trends --entity maroc-telecom,inwi,meditel --split entity \
    --since 2016-02-25 --until 2016-03-03 --by day
mkdir -p "$out"
show marsad trends --entity maroc-telecom,inwi,meditel --split entity --by week \
    --annotations morocco-2016 --chart "$out/trends.svg" --chart "$out/trends.png" >/dev/null

echo
echo "A study subset, with its codebook and how to cite it:"
show marsad export 'entity:anrt sentiment:negative' --to "$out/study"
