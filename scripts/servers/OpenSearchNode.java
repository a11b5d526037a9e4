import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.geo.GeoModulePlugin;
import org.opensearch.index.mapper.MapperExtrasPlugin;
import org.opensearch.index.reindex.ReindexPlugin;
import org.opensearch.node.Node;
import org.opensearch.painless.PainlessPlugin;
import org.opensearch.transport.Netty4Plugin;

/**
 * One OpenSearch node on loopback, with the distribution's modules taken from the class path. The distribution's own
 * main class wants its unpacked tree of modules around it, which Maven Central does not have, and refuses to run as root.
 */
final class OpenSearchNode extends Node {
    private static final String SETTING_PREFIX = "plaza.set.";

    private OpenSearchNode(Environment environment) {
        super(
            environment,
            List.of(
                Netty4Plugin.class,
                CommonAnalysisPlugin.class,
                GeoModulePlugin.class,
                PainlessPlugin.class,
                ReindexPlugin.class,
                MapperExtrasPlugin.class),
            false);
    }

    public static void main(String[] arguments) {
        try {
            run(Path.of(arguments[0]), arguments[1]);
        } catch (Throwable why) {
            // The node's own threads would keep the process alive, with nobody listening: a taken port, for one.
            why.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    private static void run(Path folder, String port) throws Exception {
        Settings.Builder settings = Settings.builder()
            .put("cluster.name", "plaza-tests")
            .put("node.name", "node")
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("http.port", port)
            // Nobody else joins: any free port will do.
            .put("transport.port", "0")
            .put("path.home", folder.toString())
            .put("path.data", folder.resolve("data").toString())
            .put("path.logs", folder.resolve("logs").toString())
            // A full disk of the developer's is not what a test asks about.
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            // A write into an index that is not there is a mistake, not a wish.
            .put("action.auto_create_index", false);
        for (String name : System.getProperties().stringPropertyNames()) {
            if (name.startsWith(SETTING_PREFIX)) {
                settings.put(name.substring(SETTING_PREFIX.length()), System.getProperty(name));
            }
        }

        Node node = new OpenSearchNode(new Environment(settings.build(), folder.resolve("conf")));
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (Exception why) {
                why.printStackTrace();
            }
            ended.countDown();
        }));
        node.start();
        System.out.println("ready at http://127.0.0.1:" + port);
        ended.await();
    }
}
